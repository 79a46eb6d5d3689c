"""A build with a page that fills: from its first second to the preview of the post, or to what it failed of.

Where somebody at a terminal may end it, the preview is served then until Ctrl-C or SIGTERM, as by `serve`; else the
server ends with the build. A build that failed or was stopped ends at once; pages that are open keep what they show.
"""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from starlette.routing import Route

from generator.build.outlook import Outset
from generator.build.runner import Runner
from generator.experiment.config.settings import Config
from generator.live.board import Board
from generator.live.page import Page
from generator.live.server import LiveServer
from generator.live.watched import Watched
from generator.post import server
from generator.support.display import Display
from generator.support.errors import MeasuredPostError, Terminated
from generator.support.places import Places


@dataclass(frozen=True)
class Watch:
    """What a build tells that is watched."""

    display: Display
    planned: Callable[[Outset, Runner], None]


@contextmanager
def session(config: Config, places: Places, display: Display, port: int) -> Iterator[Watch]:
    """Serve the page of the build in the block on `port` (0: any free one), and what it becomes.

    Raises `BadInput` where the port is taken, before the block is entered.
    """
    listener, board = server.listen(port), Board()
    with listener:
        live = LiveServer(board, Page(board, config.post.title or "A Post in the Making", places.templates), listener)
        live.start()
        display.say(f"live: {server.address(listener)}/")
        try:
            yield Watch(Watched(display, board), board.planned)
        except MeasuredPostError as error:
            live.stop(f"The build failed: {error}")
            raise
        except Exception as error:
            live.stop(f"The build broke off, unexpectedly: {type(error).__name__}: {error}; its terminal says where.")
            raise
        except BaseException:
            live.stop("The build was stopped; the same command goes on where it was.")
            raise
        # The build has ended well: whatever stops the command now ends no more than what is served.
        with suppress(KeyboardInterrupt, Terminated):
            if _somebody_may_end_it():
                live.stop("", page=server.PAGE)
                _serve(config, places, display, listener, live.routes())
            else:
                live.stop(f"The build is done; {places.preview} is the preview of the post.")


def _serve(config: Config, places: Places, display: Display, listener: socket.socket, also: list[Route]) -> None:
    display.say("live: the page is the preview of the post now, until Ctrl-C")
    server.serve(
        config.post,
        templates=places.templates,
        root=places.root,
        site=places.site,
        announce=display.say,
        listener=listener,
        also=also,
    )


def _somebody_may_end_it() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
