"""Put the generator into the wheel, as `cstar_async._codegen`, and the README into the metadata, with absolute links.

In the tree the generator is the top-level package `codegen`, which is no name for a package that users install. A registry shows
the README without the tree, where relative links lead nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

NAME = "cstar_async._codegen"
_RELATIVE_IMAGE = re.compile(r"(!\[[^\]]*\]\()(?!https?://)")
_RELATIVE_LINK = re.compile(r"(\]\()(?!https?://|#)")
_IMPORT = re.compile(r"^(\s*)(from|import) codegen\b", re.MULTILINE)


class CodegenHook(BuildHookInterface[Any]):
    """Adds `codegen/` under its other name, and `openapi/` beside it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files to `build/`, and include them."""
        if version == "editable":
            return
        root = Path(self.root)
        target = root / "build" / "wheel"
        for folder, below in (("codegen", ""), ("openapi", "openapi/")):
            for path in sorted((root / folder).rglob("*")):
                if not path.is_file() or "__pycache__" in path.parts:
                    continue
                name = below + path.relative_to(root / folder).as_posix()
                copy = target / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                text = path.read_text(encoding="utf-8")
                copy.write_text(_IMPORT.sub(rf"\1\2 {NAME}", text) if path.suffix == ".py" else text, encoding="utf-8")
                build_data["force_include"][str(copy)] = f"{NAME.replace('.', '/')}/{name}"


class ReadmeHook(MetadataHookInterface):
    """Adds the README to the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Replace relative links by links into the repository, and those of images by links to their bytes."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        source = metadata["urls"]["Source"]
        text = _RELATIVE_IMAGE.sub(rf"\g<1>{source}/raw/main/", text)
        text = _RELATIVE_LINK.sub(rf"\g<1>{source}/blob/main/", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
