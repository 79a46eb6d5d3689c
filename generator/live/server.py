"""Serves the page of a build that runs, from a thread beside it, on this machine only.

    the build tells its board → once a second whoever looks is sent the parts that changed

The thread sleeps while nobody looks. When the build ends it says so to those who do; where the preview is served then
(`session`), they are led to it. Whoever serves that goes on answering what a page of the build may still ask for
(`routes`): a browser that was busy, or asleep, when the build ended.
"""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from generator.live.board import Board
from generator.live.page import Page
from generator.post.server import Server, local_only
from generator.support.errors import BadInput

PERIOD = 1.0
"""Seconds between two looks at what changed."""
SILENCE = 15
"""Most of them without a word: who has gone, on either side, shows when something is sent."""
GRACE = 5
"""Seconds that browsers have to take what they were being sent when the build ends."""


class LiveServer:
    """The page of `board`, served on `listener` from `start` to `stop`."""

    def __init__(self, board: Board, page: Page, listener: socket.socket) -> None:
        self._board, self._page, self._listener = board, page, listener
        self._end: dict[str, str] | None = None
        """What is said to browsers when the build ends: `words`, or the `page` that they shall go to."""
        self._ending = asyncio.Event()
        config = uvicorn.Config(self.application(), log_level="error", timeout_graceful_shutdown=GRACE)
        self._server = Server(config, self._wake)
        # Not one that keeps the build from ending.
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self, words: str, page: str = "") -> None:
        """Say to all who look how the build ended, or which page they shall go to, and answer no more."""
        self._end = {"words": words, "page": page}
        self._server.should_exit = True
        self._thread.join(2 * GRACE)

    def application(self) -> Starlette:
        """The page, news of it, and the figures that were drawn so far."""

        async def page(request: Request) -> Response:
            return HTMLResponse(self._page.whole(), headers={"Cache-Control": "no-store"})

        return Starlette(routes=[Route("/", page), *self.routes()], middleware=local_only())

    def routes(self) -> list[Route]:
        """What an open page asks for: news of the build, of its end when it has ended, and the figures drawn so far."""

        async def events(request: Request) -> Response:
            return StreamingResponse(self._events(), media_type="text/event-stream")

        async def figure(request: Request) -> Response:
            name = request.path_params["name"]
            content = self._page.picture(request.path_params["digest"], name)
            media = "image/png" if name.endswith(".png") else "image/webp"
            return Response(status_code=404) if content is None else Response(content, media_type=media)

        return [Route("/events", events), Route("/figures/{digest}/{name}", figure)]

    def _run(self) -> None:
        # The server closes what it listens on; the other end of this stays open for whoever serves after it.
        self._server.run(sockets=[self._listener.dup()])

    async def _wake(self) -> None:
        self._ending.set()

    async def _events(self) -> AsyncIterator[str]:
        """Server-sent events: all parts, then each that changed, and how the build ended."""
        sent: dict[str, str] = {}
        silent = 0
        while not self._ending.is_set():
            silent += 1
            # A template that fails now did not when the build began: the page stays as it is.
            with suppress(BadInput):
                parts = {name: part for name, part in self._page.parts().items() if sent.get(name) != part}
                if parts:
                    silent, sent = 0, sent | parts
                    yield f"data: {json.dumps({'parts': parts, 'news': self._board.snapshot().news})}\n\n"
            if silent == SILENCE:
                silent = 0
                yield ": still at work\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), PERIOD)
        yield f"event: ended\ndata: {json.dumps(self._end or {'words': '', 'page': ''})}\n\n"
