"""CPU time of the process tree: of real processes, and in constructed trees and groups."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from greencell.cgroup import CpuGroup
from greencell.process_walk import LinuxTreeClock, Walk
from greencell.processes import (
    CHECK_PERIOD_S,
    GroupTreeClock,
    PsutilTreeClock,
    reserved_share,
    tree_clock,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="walks /proc")

# -- real processes ----------------------------------------------------------------------------

PROGRAM = """
import os, sys, threading, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from greencell.process_walk import LinuxTreeClock
from greencell.processes import PsutilTreeClock

def burn(seconds):
    end_s = time.thread_time() + seconds
    while time.thread_time() < end_s:
        pass

def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

def came_and_went():
    for _ in range(3):
        os.waitpid(fork(lambda: burn(0.1)), 0)

def alive():
    pipe = os.pipe()
    fork(lambda: (burn(0.3), os.write(pipe[1], b"x"), time.sleep(30)))
    os.read(pipe[0], 1)

def grandchild():
    def child():
        burn(0.1)
        os.waitpid(fork(lambda: burn(0.2)), 0)
    os.waitpid(fork(child), 0)

def living_grandchild():
    pipe = os.pipe()
    def child():
        fork(lambda: (burn(0.3), os.write(pipe[1], b"x"), time.sleep(30)))
        time.sleep(30)
    fork(child)
    os.read(pipe[0], 1)

def thread():
    one = threading.Thread(target=burn, args=(0.3,))
    one.start()
    one.join()

def of_a_thread():
    one = threading.Thread(target=alive)
    one.start()
    one.join()

def zombie():
    fork(lambda: burn(0.3))
    time.sleep(0.1)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)

def pool():
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as executor:
        list(executor.map(burn, [0.1] * 3))

def living_pool():
    global kept
    kept = ProcessPoolExecutor(2, mp_context=get_context("fork"))
    list(kept.map(burn, [0.1] * 3))

def daemon():
    pipe = os.pipe()
    def child():
        fork(lambda: (os.setsid(), time.sleep(0.1), burn(0.3), os.write(pipe[1], b"x")))
    os.waitpid(fork(child), 0)
    os.read(pipe[0], 1)

def left_behind():
    # A shell that is killed leaves a child that has used much and uses more.
    pipe = os.pipe()
    def shell():
        fork(lambda: (burn(0.2), os.write(pipe[1], b"x"), time.sleep(0.3), burn(0.1), os.write(pipe[1], b"x"), time.sleep(30)))
        time.sleep(30)
    pid = fork(shell)
    os.read(pipe[0], 1)
    seen_s = clock.read_s()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert clock.read_s() >= seen_s - 0.01, "what left took its past along"
    os.read(pipe[0], 1)

def left_and_ended():
    pipe = os.pipe()
    def shell():
        fork(lambda: (burn(0.3), os.write(pipe[1], b"x"), time.sleep(0.3), os._exit(0)))
        time.sleep(30)
    pid = fork(shell)
    os.read(pipe[0], 1)
    clock.read_s()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    clock.read_s()
    time.sleep(0.6)

def booked_s(clock, work):
    # What the rises of the clock add up to while it is read without a pause, over the whole.
    rises = [0.0]
    done = threading.Event()
    def read():
        last_s = clock.read_s()
        while not done.is_set():
            now_s = clock.read_s()
            rises[0] += max(0.0, now_s - last_s)
            last_s = now_s
    reader = threading.Thread(target=read)
    begin_s = clock.read_s()
    reader.start()
    work()
    done.set()
    reader.join()
    return rises[0] / (clock.read_s() - begin_s)

def churn():
    for _ in range(30):
        for pid in [fork(lambda: burn(0.02)) for _ in range(3)]:
            os.waitpid(pid, 0)

if sys.argv[2] == "booked":
    print(booked_s(LinuxTreeClock(), churn))
    sys.exit()

class Blind(PsutilTreeClock):
    # As macOS, where psutil knows of no child that ended; reaped ones are POSIX's to tell.
    @staticmethod
    def _of(process):
        times = process.cpu_times()
        return times.user + times.system

def windows():
    clock = Blind()
    clock._reaped = None
    return clock

def seen_and_ended():
    pipe = os.pipe()
    pid = fork(lambda: (burn(0.3), os.write(pipe[1], b"x"), time.sleep(30)))
    os.read(pipe[0], 1)
    clock.read_s()
    os.kill(pid, 9)
    os.waitpid(pid, 0)

clock = {"linux": LinuxTreeClock, "psutil": PsutilTreeClock, "macos": Blind, "windows": windows}[sys.argv[1]]()
begin_s = clock.read_s()
globals()[sys.argv[2]]()
end_s = clock.read_s()
print(end_s - begin_s, flush=True)
for pid in clock.pids() - {os.getpid()}:
    os.kill(pid, 9)
os._exit(0)
"""


def found_s(clock: str, work: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, clock, work],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return float(done.stdout)


@linux
@pytest.mark.parametrize(
    "work",
    [
        "came_and_went", "alive", "grandchild", "living_grandchild", "thread", "of_a_thread",
        "zombie", "pool", "living_pool", "left_behind", "left_and_ended",
    ],
)  # fmt: skip
def test_the_time_of_every_descendant_is_found(work: str) -> None:
    """Three tenths of a second, whoever used them and wherever they are by now."""
    assert found_s("linux", work) == pytest.approx(0.3, rel=0.1)


@linux
@pytest.mark.parametrize("work", ["came_and_went", "alive", "living_grandchild", "thread"])
def test_psutil_finds_it_too(work: str) -> None:
    """To its hundredths of a second."""
    assert found_s("psutil", work) == pytest.approx(0.3, rel=0.1, abs=0.03)


@linux
@pytest.mark.parametrize(
    ("system", "work"),
    [
        ("macos", "came_and_went"), ("macos", "alive"), ("macos", "grandchild"),
        ("windows", "alive"), ("windows", "seen_and_ended"), ("windows", "living_grandchild"),
    ],
)  # fmt: skip
def test_other_systems_lose_no_child_that_they_can_see(system: str, work: str) -> None:
    """macOS counts those that ended; on Windows what was seen of them stays."""
    assert found_s(system, work) == pytest.approx(0.3, rel=0.1, abs=0.03)


@linux
def test_children_that_end_in_the_middle_of_a_walk_are_counted_once() -> None:
    """The rises add up to the whole, though children end all the time."""
    assert found_s("linux", "booked") == pytest.approx(1.0, abs=0.1)


@linux
def test_a_daemon_is_not_found_without_a_group_of_ones_own() -> None:
    """The documented limit: its parent ended, and the walk does not reach it."""
    assert found_s("linux", "daemon") < 0.05


@linux
def test_the_tree_is_known_by_its_processes() -> None:
    """Ourselves and a child that runs."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    clock = tree_clock()
    try:
        assert {os.getpid(), child.pid} <= clock.pids()
        assert {os.getpid(), child.pid} <= PsutilTreeClock().pids()
    finally:
        child.communicate(b"\n")
    assert child.pid not in clock.pids()


# -- a constructed walk ------------------------------------------------------------------------


class Proc:
    """A constructed ``/proc`` below this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.children: dict[int, list[int]] = {}
        self.add(os.getpid(), 1)

    def add(self, pid: int, parent: int, ticks: tuple[int, int, int, int] = (0, 0, 0, 0)) -> None:
        task = self.root / f"{pid}/task/{pid}"
        task.mkdir(parents=True)
        fields = ["S", str(parent), *["0"] * 9, *map(str, ticks), "0"]
        (self.root / f"{pid}/stat").write_text(f"{pid} (a (b) c) {' '.join(fields)}\n")
        self.children.setdefault(parent, []).append(pid)
        for one in {pid, parent} & {int(p.name) for p in self.root.iterdir()}:
            line = " ".join(map(str, self.children.get(one, [])))
            (self.root / f"{one}/task/{one}/children").write_text(line)


@linux
def test_a_process_that_ended_in_the_middle_of_the_walk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed but not readable: its time is somewhere else by now."""
    monkeypatch.setattr("greencell.process_walk._has_child", lambda: True)
    proc = Proc(tmp_path)
    huge = 2**25  # no process has such a number, so no clock is found
    proc.add(huge, os.getpid(), (100, 20, 3, 4))
    clock = LinuxTreeClock(tmp_path)
    whole = clock.walk()
    (tmp_path / f"{huge}/stat").unlink()

    assert whole.whole is True
    assert clock.walk().whole is False
    missing_s = whole.tree_s - clock.walk().tree_s
    assert missing_s == pytest.approx(127 / os.sysconf("SC_CLK_TCK"), abs=0.5)


@linux
def test_kinship_is_read_from_the_processes(tmp_path: Path) -> None:
    """Ancestors up to the first of the namespace; a name in brackets holds anything."""
    proc = Proc(tmp_path)
    proc.add(1, 0)
    proc.add(2**25, os.getpid())
    clock = LinuxTreeClock(tmp_path)

    assert clock.ancestors() == {1}
    assert clock.parent(2**25) == os.getpid()
    assert clock.parent(1) == 0
    assert clock.parent(77) is None
    assert clock.pids() == {os.getpid(), 2**25}


# -- a group of the kernel's own ---------------------------------------------------------------

ME = os.getpid()
SERVER, CHILD, DAEMON, GRANDCHILD, STRANGER = 5, 2**25, 2**25 + 1, 2**25 + 2, 2**25 + 3


class FakeWalk(LinuxTreeClock):
    """A tree whose processes and time are set from outside."""

    def __init__(self) -> None:
        self.tree_s = 100.0
        self.whole = True
        self.tree = {ME}
        self.parents: dict[int, int] = {}

    def walk(self) -> Walk:
        return Walk(self.tree_s, self.whole)

    def pids(self) -> frozenset[int]:
        return frozenset(self.tree)

    def ancestors(self) -> frozenset[int]:
        return frozenset({1, SERVER})

    def parent(self, pid: int) -> int | None:
        return self.parents.get(pid)


class Kernel:
    """A kernel in a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.walk = FakeWalk()
        self.now_s = 0.0
        self.group_s = 7.0
        self.members: set[int] = {ME}
        self.write()
        self.clock = GroupTreeClock(self.walk, CpuGroup(folder, unified=True), lambda: self.now_s)

    def write(self) -> None:
        (self.folder / "cpu.stat").write_text(f"usage_usec {round(self.group_s * 1e6)}\n")
        (self.folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in self.members))

    def use(self, tree_s: float = 0.0, unseen_s: float = 0.0) -> None:
        """CPU time is used, by the tree and by those that the walk misses."""
        self.walk.tree_s += tree_s
        self.group_s += tree_s + unseen_s
        self.write()

    def enter(self, pid: int, parent: int, *, in_tree: bool = False) -> None:
        """A process appears in the group."""
        self.walk.parents[pid] = parent
        self.members.add(pid)
        if in_tree:
            self.walk.tree.add(pid)
        self.write()


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@linux
def test_time_of_adopted_descendants_is_found_in_the_group(kernel: Kernel) -> None:
    """The walk misses them; what the group counted before is nobody's gain."""
    assert kernel.clock.is_own
    assert kernel.clock.read_s() == 100.0
    kernel.use(tree_s=2.0, unseen_s=3.0)

    assert kernel.clock.read_s() == pytest.approx(105.0, abs=0.011)


@linux
def test_the_walk_alone_tells_what_is_short(kernel: Kernel) -> None:
    """The group lags by a tick, either way; a short cell is exact."""
    kernel.walk.tree_s += 0.0031
    assert kernel.clock.read_s() == 100.0031
    kernel.use(unseen_s=0.008)

    assert kernel.clock.read_s() == 100.0031


@linux
def test_the_value_stays_when_a_descendant_leaves_the_tree(kernel: Kernel) -> None:
    """Its past moves from the walk to what the walk misses."""
    kernel.use(tree_s=4.0)
    before_s = kernel.clock.read_s()
    kernel.walk.tree_s -= 4.0

    assert kernel.clock.read_s() == pytest.approx(before_s, abs=0.011)


@linux
def test_a_walk_that_missed_somebody_is_not_compared(kernel: Kernel) -> None:
    """Its time would be counted for good."""
    kernel.use(tree_s=4.0)
    kernel.walk.tree_s, kernel.walk.whole = 100.0, False
    kernel.clock.read_s()
    kernel.walk.tree_s, kernel.walk.whole = 104.0, True

    assert kernel.clock.read_s() == 104.0


@linux
def test_a_stranger_ends_it_and_nothing_falls_or_jumps(kernel: Kernel) -> None:
    """What was found stays; what the stranger uses is not ours; when it left it begins anew."""
    kernel.use(tree_s=1.0, unseen_s=2.0)
    before_s = kernel.clock.read_s()
    kernel.enter(STRANGER, parent=0)
    kernel.clock.pids()
    kernel.use(tree_s=0.5, unseen_s=50.0)
    assert not kernel.clock.is_own
    assert kernel.clock.read_s() == before_s + 0.5

    kernel.members.discard(STRANGER)
    kernel.use()
    kernel.clock.pids()
    assert kernel.clock.is_own
    assert kernel.clock.read_s() == before_s + 0.5
    kernel.use(unseen_s=1.0)
    assert kernel.clock.read_s() == pytest.approx(before_s + 1.5, abs=0.011)


Enter = Callable[[Kernel], None]


@linux
@pytest.mark.parametrize(
    ("enter", "own"),
    [
        (lambda k: k.enter(CHILD, ME, in_tree=True), True),
        (lambda k: k.enter(DAEMON, 1), True),
        (lambda k: k.enter(DAEMON, SERVER), True),
        (lambda k: (k.enter(DAEMON, 1), k.enter(GRANDCHILD, DAEMON)), True),
        (lambda k: k.enter(CHILD, ME), True),
        (lambda k: k.members.add(CHILD), True),
        (lambda k: k.enter(STRANGER, 0), False),
        (lambda k: k.enter(STRANGER, 4_000), False),
        (lambda k: (k.walk.parents.update({4_000: 1}), k.enter(STRANGER, 4_000)), False),
        (lambda k: k.members.add(0), False),
        (lambda k: (k.enter(DAEMON, GRANDCHILD), k.enter(GRANDCHILD, DAEMON)), False),
        (lambda k: k.members.discard(ME), False),
    ],
    ids=["child", "adopted by init", "adopted by the server", "child of an adopted one",
         "forked just now", "ended just now", "from outside of the namespace", "moved in",
         "moved in from next door", "without a number", "in a circle", "we were moved out"],
)  # fmt: skip
def test_who_belongs(kernel: Kernel, enter: Enter, own: bool) -> None:
    """Children inherit the group; whoever came otherwise is a stranger."""
    enter(kernel)
    kernel.write()

    pids = kernel.clock.pids()

    assert kernel.clock.is_own is own
    assert pids == (kernel.walk.tree | kernel.members if own else kernel.walk.tree)


@linux
def test_a_known_member_stays_ours_when_it_is_adopted(kernel: Kernel) -> None:
    """Even by somebody who was not there before."""
    kernel.enter(CHILD, ME, in_tree=True)
    kernel.clock.pids()
    kernel.walk.tree.discard(CHILD)
    kernel.walk.parents[CHILD] = 4_000

    assert CHILD in kernel.clock.pids()


@linux
def test_a_read_looks_again_after_a_while(kernel: Kernel) -> None:
    """Also where nobody asks for the processes."""
    kernel.enter(STRANGER, parent=0)
    kernel.clock.read_s()
    assert kernel.clock.is_own
    kernel.now_s = CHECK_PERIOD_S
    kernel.clock.read_s()

    assert not kernel.clock.is_own


@linux
@pytest.mark.parametrize("file", ["cpu.stat", "cgroup.procs"])
def test_a_group_that_vanishes_leaves_the_walk(kernel: Kernel, file: str) -> None:
    """We were moved elsewhere; nothing falls."""
    kernel.use(unseen_s=1.0)
    before_s = kernel.clock.read_s()
    (kernel.folder / file).unlink()
    kernel.clock.pids()

    assert kernel.clock.read_s() == before_s
    kernel.walk.tree_s += 1.0
    assert kernel.clock.read_s() == before_s + 1.0
    assert not kernel.clock.is_own


@linux
def test_a_group_that_is_shared_from_the_start_is_not_ours(tmp_path: Path) -> None:
    """As in a session of a desktop, or in a container that holds the server too."""
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("0::/\n")
    (tmp_path / "fs/cgroup/cpu.stat").write_text("usage_usec 1\n")
    (tmp_path / "fs/cgroup/cgroup.procs").write_text(f"{ME}\n1\n")
    shared = tree_clock(tmp_path, tmp_path)
    (tmp_path / "fs/cgroup/cgroup.procs").write_text(f"{ME}\n")
    own = tree_clock(tmp_path, tmp_path)

    assert isinstance(shared, GroupTreeClock)
    assert isinstance(own, GroupTreeClock)
    assert (shared.is_own, own.is_own) == (False, True)
    assert isinstance(tree_clock(tmp_path / "no", tmp_path / "no"), LinuxTreeClock)


# -- what is reserved --------------------------------------------------------------------------


@linux
@pytest.mark.parametrize(("quota", "cpus"), [("50000 100000", 0.5), ("max 100000", None)])
def test_the_quota_and_the_affinity_reserve(tmp_path: Path, quota: str, cpus: float | None) -> None:
    """The smaller of both, over all CPUs of the machine."""
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "fs/cgroup/cpu.max").write_text(quota)
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0))
    expected = usable if cpus is None else min(usable, cpus)

    assert reserved_share(tmp_path, tmp_path) == pytest.approx(expected / total)
