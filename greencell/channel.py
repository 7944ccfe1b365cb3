"""The only room that touches the kernel's sockets: iopub out, control in.

Nothing is ever opened: messages carry a fixed comm id that the kernel merely registers, so every
page on the kernel hears the same, and headless runners hear nothing that concerns them. No comm
message is expected from a page; requests come on the control channel, which answers while a
cell runs and steals no output.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from greencell.wire import COMM_ID, REPLY_TYPE, REQUEST_TYPE, Message

_COMM_INFO = "comm_info_request"

# The kernel's own handlers take (stream, identities, message); none of these has a public type.
ControlHandler = Callable[[Any, Any, dict[str, Any]], Awaitable[None]]
JsonObject = dict[str, Any]


class Kernel(Protocol):
    """What is used of an ipykernel."""

    session: Any
    iopub_socket: Any
    iopub_thread: Any
    comm_manager: Any
    control_handlers: dict[str, ControlHandler]


class Channel:
    """Messages to all pages, and requests from them.

    Args:
        kernel: the running kernel.
        ask: has the content of a request answered, on any thread but the control thread.
        on_probe: a page asked whether greencell is here; runs in the control thread.
    """

    def __init__(
        self,
        kernel: Kernel,
        ask: Callable[[object, Callable[[JsonObject], None]], None],
        on_probe: Callable[[], None],
    ) -> None:
        self._kernel = kernel
        self._ask = ask
        self._on_probe = on_probe
        self._comm: object | None = None
        self._comm_info: ControlHandler | None = None

    def open(self) -> None:
        """Register the id and the handlers; nothing is sent."""
        comm = SilentComm()
        self._kernel.comm_manager.register_comm(comm)
        self._comm = comm
        handlers = self._kernel.control_handlers
        handlers[REQUEST_TYPE] = self._on_request
        self._comm_info = handlers.get(_COMM_INFO)
        if self._comm_info is not None:
            handlers[_COMM_INFO] = self._on_comm_info

    def close(self) -> None:
        """Take everything back; idempotent."""
        comm, self._comm = self._comm, None
        if comm is None:
            return
        handlers = self._kernel.control_handlers
        if is_method_of(self, handlers.get(REQUEST_TYPE)):
            del handlers[REQUEST_TYPE]
        if self._comm_info is not None and is_method_of(self, handlers.get(_COMM_INFO)):
            handlers[_COMM_INFO] = self._comm_info
        self._kernel.comm_manager.unregister_comm(comm)

    def parent(self) -> JsonObject:
        """The request that is being executed on this thread; {} if there is none."""
        get_parent = getattr(self._kernel, "get_parent", None)
        parent = get_parent("shell") if get_parent is not None else {}
        return parent if isinstance(parent, dict) else {}

    def send(self, message: Message, parent: JsonObject) -> None:
        """Push one message to every page. Safe from any thread."""
        self.send_to(COMM_ID, message, parent)

    def send_to(self, comm_id: str, data: Message, parent: JsonObject) -> None:
        """Push data under the id of a comm. Safe from any thread."""
        kernel = self._kernel
        kernel.session.send(
            kernel.iopub_socket,
            "comm_msg",
            {"comm_id": comm_id, "data": data},
            parent=parent,
            ident=f"comm-{comm_id}".encode(),
        )

    async def _on_request(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        send = partial(self._kernel.session.send, stream, REPLY_TYPE, parent=parent, ident=ident)
        import asyncio  # every kernel has it; where there is none, it would bring ssl

        loop = asyncio.get_running_loop()  # sockets are of the thread that asked

        def reply(content: JsonObject) -> None:
            loop.call_soon_threadsafe(partial(send, content=content))

        self._ask(parent.get("content"), reply)

    async def _on_comm_info(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        assert self._comm_info is not None  # only registered with it
        await self._comm_info(stream, ident, parent)
        content = parent.get("content")
        if isinstance(content, dict) and content.get("target_name") == COMM_ID:
            self._on_probe()


def is_method_of(instance: object, call: object) -> bool:
    """Whether ``call`` is any method of ``instance``, also one of before its class was reloaded.

    IPython 7 may have wrapped what it was given.
    """
    return getattr(getattr(call, "__wrapped__", call), "__self__", None) is instance


class SilentComm:
    """A comm that is listed by the kernel and never says a word, whatever a page says to it.

    Not one of the package ``comm``, which kernels before ipykernel 6.18 do not have: their
    managers ask no more of a comm than this.
    """

    comm_id = COMM_ID
    target_name = COMM_ID

    def handle_msg(self, message: object) -> None:
        """Nothing is expected here: requests come on the control channel."""

    def handle_close(self, message: object) -> None:
        """A page that closes what it never opened."""

    def close(self, **_words: object) -> None:
        """No closing is announced to pages."""


NOT_LIVE = (
    "this kernel has no channel to a live panel; %greencell and %greencell panel show figures"
)


def serves_pages(shell: object) -> bool:
    """Whether what a shell shows goes to a page: any kind of kernel, but no terminal."""
    publisher = type(getattr(shell, "display_pub", None)).__module__
    return hasattr(shell, "kernel") or not publisher.startswith(("IPython.", "builtins"))


def kernel_of(shell: object) -> Kernel | None:
    """The shell's kernel if messages can be sent through it, else ``None`` (a terminal)."""
    kernel = getattr(shell, "kernel", None)
    needed = ("session", "iopub_socket", "iopub_thread", "comm_manager", "control_handlers")
    if kernel is None or any(getattr(kernel, name, None) is None for name in needed):
        return None
    return kernel  # type: ignore[no-any-return]  # ipykernel has no stubs
