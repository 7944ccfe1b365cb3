"""Control groups, in constructed trees of both versions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greencell.cgroup import CpuGroup, cpu_group, memory_limit_gb, quota_cpus
from greencell.errors import ReadFailed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")

OWN = "user.slice/kernel.scope"


class Groups:
    """A constructed ``/sys/fs/cgroup`` and ``/proc/self/cgroup``."""

    def __init__(self, root: Path) -> None:
        self.sysfs, self.procfs = root / "sys", root / "proc"
        self.top = self.sysfs / "fs/cgroup"
        self.top.mkdir(parents=True)
        (self.procfs / "self").mkdir(parents=True)

    def put(self, folder: str, **files: str) -> Path:
        """Write files; ``__`` in a name stands for its dot."""
        path = self.top / folder
        path.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (path / name.replace("__", ".")).write_text(text)
        return path

    def lines(self, *lines: str) -> None:
        (self.procfs / "self/cgroup").write_text("".join(f"{line}\n" for line in lines))

    def group(self) -> CpuGroup | None:
        return cpu_group(self.sysfs, self.procfs)

    def quota(self) -> float | None:
        return quota_cpus(self.sysfs, self.procfs)


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


def stat(seconds: float) -> str:
    return f"usage_usec {round(seconds * 1e6)}\nuser_usec 1\nsystem_usec 2\n"


@pytest.mark.parametrize(
    ("line", "folder", "file", "text"),
    [
        (f"0::/{OWN}", OWN, "cpu__stat", stat(2.5)),
        ("0::/", ".", "cpu__stat", stat(2.5)),
        (f"0::/{OWN}", f"unified/{OWN}", "cpu__stat", stat(2.5)),
        (f"4:cpu,cpuacct:/{OWN}", f"cpu,cpuacct/{OWN}", "cpuacct__usage", "2500000000\n"),
        (f"4:cpuacct,cpu:/{OWN}", f"cpuacct,cpu/{OWN}", "cpuacct__usage", "2500000000\n"),
        (f"2:cpuacct:/{OWN}", f"cpuacct/{OWN}", "cpuacct__usage", "2500000000\n"),
        ("2:cpuacct:/docker/abc", "cpuacct", "cpuacct__usage", "2500000000\n"),
        ("0::/../../elsewhere", ".", "cpu__stat", stat(2.5)),
        ("0::/a:b", "a:b", "cpu__stat", stat(2.5)),
    ],
    ids=["v2", "namespace root", "hybrid", "v1 joined", "v1 other order", "v1 alone",
         "v1 in a container", "above the namespace", "a colon in the name"],
)  # fmt: skip
def test_the_group_of_this_process_is_found(
    groups: Groups, line: str, folder: str, file: str, text: str
) -> None:
    """By its path, or at the root of what a container shows."""
    groups.lines("1:name=systemd:/", line)
    path = groups.put(folder, **{file: text})

    group = groups.group()

    assert group is not None
    assert group.folder == path
    assert group.read_s() == 2.5


def test_version_1_is_preferred_where_both_are_mounted(groups: Groups) -> None:
    """It counts nanoseconds, and on such systems version 2 has no CPU controller."""
    groups.lines("2:cpuacct:/", f"0::/{OWN}")
    groups.put("cpuacct", cpuacct__usage="1000000001\n")
    groups.put(f"unified/{OWN}", cpu__stat=stat(7.0))

    group = groups.group()

    assert group is not None
    assert group.read_s() == pytest.approx(1.000000001, abs=1e-12)


@pytest.mark.parametrize("text", ["", "user_usec 3\n", "usage_usec\n", "usage_usec x\n"])
def test_a_group_that_counts_nothing_is_none(groups: Groups, text: str) -> None:
    """Neither is what is not mounted, nor what vanishes later a number."""
    assert groups.group() is None
    groups.lines(f"0::/{OWN}")
    assert groups.group() is None
    path = groups.put(OWN, cpu__stat=text)
    assert groups.group() is None
    with pytest.raises(ReadFailed):
        CpuGroup(path, unified=True).read_s()
    with pytest.raises(ReadFailed):
        CpuGroup(path, unified=False).read_s()


def test_members_are_those_of_the_groups_below_too(groups: Groups) -> None:
    """As the CPU time is."""
    path = groups.put(OWN, cgroup__procs="10\n11\n")
    groups.put(f"{OWN}/workers/a", cgroup__procs="12\n")
    groups.put(f"{OWN}/workers", cgroup__procs="")

    assert set(CpuGroup(path, unified=True).pids()) == {10, 11, 12}
    (path / "cgroup.procs").write_text("not a number\n")
    with pytest.raises(ReadFailed):
        list(CpuGroup(path, unified=True).pids())


@pytest.mark.parametrize(
    ("quotas", "cpus"),
    [
        ({OWN: "150000 100000", "user.slice": "max 100000"}, 1.5),
        ({OWN: "400000 100000", "user.slice": "250000 100000"}, 2.5),
        ({OWN: "max 100000", ".": "50000 100000"}, 0.5),
        ({OWN: "max 100000"}, None),
        ({OWN: "garbage", "user.slice": "100000 0"}, None),
        ({"user.slice/other": "10000 100000"}, None),
    ],
)
def test_the_least_quota_up_to_the_root_counts(
    groups: Groups, quotas: dict[str, str], cpus: float | None
) -> None:
    """A group cannot use more than any group above it."""
    groups.lines(f"0::/{OWN}")
    groups.put(OWN)
    for folder, quota in quotas.items():
        groups.put(folder, cpu__max=f"{quota}\n")

    assert groups.quota() == cpus


@pytest.mark.parametrize(
    ("own", "above", "cpus"),
    [("200000", "-1", 2.0), ("-1", "50000", 0.5), ("-1", "-1", None), ("x", "0", None)],
)
def test_version_1_has_its_quota_in_two_files(
    groups: Groups, own: str, above: str, cpus: float | None
) -> None:
    """-1 is none."""
    groups.lines("3:cpu,cpuacct:/docker/abc")
    groups.put("cpu,cpuacct/docker/abc", cpu__cfs_quota_us=own, cpu__cfs_period_us="100000")
    groups.put("cpu,cpuacct/docker", cpu__cfs_quota_us=above, cpu__cfs_period_us="100000")

    assert groups.quota() == cpus


def test_in_a_container_the_quota_is_at_the_root_of_what_is_mounted(groups: Groups) -> None:
    """The path is the host's, and not to be found."""
    groups.lines("3:cpu:/docker/abc")
    groups.put("cpu", cpu__cfs_quota_us="150000", cpu__cfs_period_us="100000")

    assert groups.quota() == 1.5


def test_without_a_path_the_root_counts(groups: Groups) -> None:
    """Nothing tells where we are, but the mounted quota is one that we are under."""
    groups.put(".", cpu__max="300000 100000\n")

    assert groups.quota() == 3.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(content=st.binary(max_size=100))
def test_no_content_of_the_files_raises(groups: Groups, content: bytes) -> None:
    """The files may hold anything."""
    for file in (groups.procfs / "self/cgroup", groups.top / "cpu.max", groups.top / "cpu.stat"):
        file.write_bytes(b"0::/\n" + content)

    group, quota = groups.group(), groups.quota()

    assert group is None or group.read_s() >= 0
    assert quota is None or quota > 0


# -- memory --------------------------------------------------------------------------------------

NO_LIMIT = "9223372036854771712"
"""What version 1 shows where there is none."""


@pytest.mark.parametrize(
    ("line", "files", "limit_gb"),
    [
        ("0::/", {".": "8589934592"}, 8.589934592),
        (f"0::/{OWN}", {OWN: "max", "user.slice": "4000000000", ".": "8000000000"}, 4.0),
        (
            "0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0",
            {"system.slice/slurmstepd.scope/job_7": "16000000000"},
            16.0,
        ),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-1.scope", {".": "2000000000"}, 2.0),
        ("9:memory:/docker/abc", {"memory": "3000000000"}, 3.0),
        ("9:memory:/slurm/uid_1/job_7/step_0", {"memory/slurm/uid_1/job_7": "5000000000"}, 5.0),
        ("9:memory:/docker/abc", {"memory": NO_LIMIT}, float(NO_LIMIT) / 1e9),
        (f"0::/{OWN}", {OWN: "max"}, None),
        (f"0::/{OWN}", {OWN: "-1"}, None),
        (f"0::/{OWN}", {OWN: "\x00\xff"}, None),
        ("", {".": "1000000000"}, 1.0),
        (f"0::/{OWN}", {}, None),
    ],
)
def test_the_least_memory_limit_up_to_the_root_counts(
    groups: Groups, line: str, files: dict[str, str], limit_gb: float | None
) -> None:
    """As engines, Kubernetes and Slurm lay their groups out, in both versions."""
    groups.lines(line)
    first = line.rpartition(":")[2].strip("/")
    groups.put(f"memory/{first}" if "memory" in line and "docker" not in line else first or ".")
    for folder, text in files.items():
        name = "memory__limit_in_bytes" if "memory" in line else "memory__max"
        groups.put(folder, **{name: f"{text}\n"})

    found = memory_limit_gb(groups.sysfs, groups.procfs)

    assert found == (None if limit_gb is None else pytest.approx(limit_gb))
