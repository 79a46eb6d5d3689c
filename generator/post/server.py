"""Preview with live reload: the last build's results, rendered again whenever a template or the results change.

`serve` answers on this machine only until it is interrupted. Nothing is trained: the numbers are those of the
site's data files, the figures those of the site. A broken template is reported on the page, with its file and
line, above the last good version.

    watchfiles sees a change → `Preview.refresh` renders → waiting browsers are told → they load the page again
"""

import asyncio
import html
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from watchfiles import awatch

from generator.experiment.config.post_settings import PostSettings
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.post import render, templating
from generator.post.jekyll import layout
from generator.post.jekyll.layout import Layout
from generator.support.errors import BadInput, MeasuredPostError, Terminated

HOST = "127.0.0.1"
PAGE = "/preview/"

_RELOAD = """
<script>
const changes = new EventSource("/changes");
changes.onmessage = (event) => { if (event.data !== "VERSION") location.reload(); };
</script>
"""
_ALERT = (
    '<div role="alert" style="position:sticky;top:0;z-index:9;padding:.8rem 1.2rem;background:#8f1d1d;'
    'color:#fff;font:.9rem/1.5 monospace;white-space:pre-wrap;overflow-wrap:anywhere">{}</div>'
)
_NOTHING_YET = '<!doctype html><html lang="en"><head><title>Preview</title></head><body></body></html>'


@dataclass
class Preview:
    """The page as last rendered, and what is wrong with the templates now."""

    post: PostSettings
    templates: Path
    root: Path
    site: Path
    page: str = _NOTHING_YET
    """The last good page."""
    error: str = ""
    """One line for the reader; empty where the page is up to date."""
    version: int = 0
    stopped: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @cached_property
    def place(self) -> Layout:
        """Where the post stands in the site."""
        return layout.find(self.site, self.post)

    @property
    def data(self) -> Path:
        """The folder of the results."""
        return self.site / self.place.data

    @property
    def watched(self) -> tuple[Path, ...]:
        """The folders whose files the page is made from."""
        own = () if self.post.templates is None else (self.post.templates,)
        return (self.templates, *own, self.site / "assets")

    def refresh(self) -> None:
        """Render again; on an error keep the last good page beside the error."""
        try:
            self.page, self.error = self._rendered(), ""
        except MeasuredPostError as error:
            self.error = str(error)
        except Exception as error:  # Whatever a template made go wrong is the reader's to see, not the server's end.
            self.error = f"{templating.place(error) or self.templates}: {type(error).__name__}: {error}"
        self.version += 1

    def shown(self) -> str:
        """The page for the browser: the error above it, and the script that waits for the next version."""
        alert = _ALERT.format(html.escape(self.error)) if self.error else ""
        start, body, rest = self.page.partition("<body>")
        content, end, tail = rest.rpartition("</body>")
        return start + body + alert + content + _RELOAD.replace("VERSION", str(self.version)) + end + tail

    async def later_than(self, version: int) -> None:
        """Wait until there is a version other than this one, or the server stops."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.stopped or self.version != version)

    async def tell(self) -> None:
        """Wake all that wait."""
        async with self.changed:
            self.changed.notify_all()

    async def stop(self) -> None:
        """Let nobody wait for a later version any more."""
        self.stopped = True
        await self.tell()

    def _rendered(self) -> str:
        found = read_results(self.data)
        rendered = render.render(self.post, found, self.place, templates=self.templates, root=self.root)
        # No file is written there: it is where the page's links start from.
        target = self.site / PAGE.strip("/") / "index.html"
        return render.preview(rendered, self.place, templates=self.templates, site=self.site, target=target)


def serve(
    post: PostSettings,
    *,
    templates: Path,
    root: Path,
    site: Path,
    port: int = 0,
    announce: Callable[[str], None] = print,
    listener: socket.socket | None = None,
    also: Sequence[BaseRoute] = (),
) -> None:
    """Serve the preview of the build in `site` on `port` (0: any free one), or `listener`, until interrupted.

    `announce` gets the page's address once, and every error of a template; `also` is answered besides. Raises
    `BadInput` where there is no build in `site` or the port is taken.
    """
    preview = Preview(post, templates, root, site)
    read_results(preview.data)
    preview.refresh()
    with listener or listen(port) as open_one:
        announce(address(open_one) + PAGE)
        if preview.error:
            announce(preview.error)
        config = uvicorn.Config(application(preview, announce, also), log_level="warning")
        server = Server(config, preview.stop)
        # Uvicorn shuts down in order and then passes Ctrl-C or SIGTERM on; here either is the ordinary end.
        with suppress(KeyboardInterrupt, Terminated):
            server.run(sockets=[open_one])


def application(preview: Preview, announce: Callable[[str], None], also: Sequence[BaseRoute] = ()) -> Starlette:
    """The web application around `preview`: the page, the site's assets, news of changes, and `also`."""

    async def page(request: Request) -> Response:
        return HTMLResponse(preview.shown(), headers={"Cache-Control": "no-store"})

    async def changes(request: Request) -> Response:
        return StreamingResponse(_versions(preview), media_type="text/event-stream")

    async def home(request: Request) -> Response:
        return RedirectResponse(PAGE)

    @asynccontextmanager
    async def watching(app: Starlette) -> AsyncIterator[None]:
        watcher = asyncio.create_task(_watch(preview, announce))
        yield
        watcher.cancel()

    assets = StaticFiles(directory=preview.site / "assets", check_dir=False)
    return Starlette(
        routes=[Route("/", home), Route(PAGE, page), Route("/changes", changes), Mount("/assets", assets), *also],
        middleware=local_only(),
        lifespan=watching,
    )


def local_only() -> list[Middleware]:
    """Against a page of another site that reads what is served here under a name of its own for this address."""
    return [Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])]


def read_results(folder: Path) -> BuildResults:
    """The results in a site's data folder. Raises `BadInput`."""
    try:
        return result_files.read(
            lambda name: (folder / name).read_bytes() if (folder / name).is_file() else None, str(folder)
        )
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{folder}: cannot be read ({error}); build the site again") from None


class Server(uvicorn.Server):
    """Ends the browsers' open connections, by `end_streams`, before it waits for connections to end."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._end_streams()
        await super().shutdown(sockets)


async def _watch(preview: Preview, announce: Callable[[str], None]) -> None:
    watching = asyncio.create_task(_changed(preview))
    try:
        while await watching:
            # Anew each time: a build exchanges the whole site, and who watches the old one sees no other. And before
            # anything is read: what is saved meanwhile is another change.
            watching = asyncio.create_task(_changed(preview))
            await asyncio.sleep(0)  # so that it has begun
            before = preview.error
            await asyncio.to_thread(preview.refresh)
            if preview.error and preview.error != before:
                announce(preview.error)
            await preview.tell()
    except OSError as error:  # as where the system watches no more files
        announce(f"what is saved from now on is not noticed ({error}); begin again")
    finally:
        watching.cancel()


async def _changed(preview: Preview) -> bool:
    """Wait until something is saved, or a folder is there again; False where the watching ended."""
    while True:
        gone = [folder for folder in preview.watched if not folder.is_dir()]
        there = [folder for folder in preview.watched if folder not in gone]
        # One that is gone cannot be watched, as while a revision is checked out; it is looked for now and then.
        looking = awatch(*there, step=50, debounce=400, rust_timeout=500 if gone else None, yield_on_timeout=bool(gone))
        with suppress(FileNotFoundError):  # Gone since: looked for, then.
            # 50 ms of quiet are enough to tell that an editor or a build has finished writing.
            async with aclosing(looking) as changes:
                async for saved in changes:
                    if saved or any(folder.is_dir() for folder in gone):
                        return True
            return False


async def _versions(preview: Preview) -> AsyncIterator[str]:
    """Server-sent events: the version now, then each later one."""
    while not preview.stopped:
        sent = preview.version
        yield f"data: {sent}\n\n"
        await preview.later_than(sent)


def address(listener: socket.socket) -> str:
    """What a browser calls it, without a slash."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def listen(port: int) -> socket.socket:
    """A socket of this machine alone; `port` 0: any free one. Raises `BadInput` where it cannot be had."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"port {port} cannot be used ({reason}); name another, or 0 for any free one") from None
    return listener
