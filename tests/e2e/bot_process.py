"""Run the support bot as its `main()` does, but without a check of the age of signatures.

The test advances the clock of the fake by hours, to see repeated deliveries. The clock of the bot does not follow.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal

from cstar_async import CStarClient
from cstar_async.webhooks import SqliteStore, WebhookInbox
from examples import support_bot


async def main() -> None:
    """Serve until SIGTERM."""
    inbox = WebhookInbox(os.environ["CSTAR_WEBHOOK_SECRET"], store=SqliteStore(os.environ["BOT_DATABASE"]), tolerance=None)
    async with CStarClient.from_env() as cstar:
        support_bot.SupportBot(cstar, inbox)
        async with inbox:
            task = asyncio.ensure_future(support_bot.serve(inbox, int(os.environ["BOT_PORT"])))
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            await asyncio.wait([task])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main())
