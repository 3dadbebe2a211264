"""Uploads, downloads and streams.

An argument for a file takes `bytes`, a path (`pathlib.Path`), a binary file that is open, or an async iterator of `bytes`. A `File`
takes each of these, too, and adds a name, a content type and a progress callback::

    await client.files.create(file=Path("photo.jpg"))
    await client.files.create(file=File(photo, name="photo.jpg", content_type="image/jpeg", on_progress=print))

Files are sent in pieces and never held in memory as a whole. A file that the caller opened is not closed. A retry sends bytes and
paths again, and binary files from where they were. An async iterator, or a file that cannot seek, can be read only once. After its
first byte was read, the call is not retried, and the error says so.

`Download` is a binary response, and `Stream` a response of many items, such as server-sent events or JSON lines::

    data = await client.files.content("file_1")                       # in memory, at most `max_response_size`
    await client.files.content("file_1").save("report.pdf")           # to a file
    async with client.files.content("file_1") as stream:              # in pieces
        async for piece in stream:
            ...
    async with client.chat.complete(question="…") as stream:          # items
        async for part in stream:
            print(part.text)

Until a response begins, everything is as for other calls: limits, retries and errors. While bytes are transferred, `timeout` limits
the time without progress instead of the whole, and `total_timeout` the whole. A stream is one call of the rate limit. Once it is
open, it does not count against `max_connections`.
"""

from cstar_async._model.file import BinaryFile, File, FileContent, FileInput, Progress
from cstar_async._protocol.sse import ServerSentEvent
from cstar_async.files._download import Download
from cstar_async.files._stream import Stream

__all__ = ["BinaryFile", "Download", "File", "FileContent", "FileInput", "Progress", "ServerSentEvent", "Stream"]
