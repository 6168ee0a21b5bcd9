# SPDX-License-Identifier: Apache-2.0
"""The capacity agent as its readers see it: the real program, a file of simulated devices, HTTP."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import processes, waiting  # noqa: E402

AGENT = os.environ["AGENT"]
GIB = 1 << 30
ANSWER_SECONDS_MAX = 20
SIMULATED_FILE_BYTES_MAX = 16 << 20  # kSimulatedFileBytesMax
# What a notice takes, on a busy machine. The re-read comes after 60 s: below it, it was the notice.
NOTICE_SECONDS_MAX = 15
END_SECONDS_MAX = 5
ENDED_BY_ALARM = 128 + signal.SIGALRM  # When something hangs.
WAITERS_MAX = 1024  # kWaitersMax
CONNECTIONS_MAX = 8192  # kConnectionsDefaultMax


def devices(*volumes):
    """A VolumeGroup of 10 GiB with volumes of 1 GiB, and a region of 4 GiB."""
    return {"volume_groups": [{"name": "pmemvgregion0", "size_bytes": 10 * GIB,
                               "volumes": [{"name": name, "size_bytes": GIB} for name in volumes]}],
            "regions": [{"name": "region1", "size_bytes": 4 * GIB, "label_slots": 7}]}


class Agent:
    """A running agent and its file of devices."""

    def __init__(self, directory, *flags, environment=None, program=AGENT):
        self.file = directory / "devices.json"
        self.log = directory / "agent.log"
        self._log_file = open(self.log, "w")
        self.process = subprocess.Popen(
            [program, "--node-name", "n1", "--listen", "127.0.0.1:0",
             "--devices", f"simulated:{self.file}", *flags],
            stdout=subprocess.PIPE, stderr=self._log_file, text=True,
            env={**os.environ, **(environment or {})})
        line = self.process.stdout.readline()
        match = re.fullmatch(r"pmem-capacity-agent listening on (127\.0\.0\.1):(\d+)\n", line)
        assert match, f"{line!r}, log: {self.log.read_text()}"
        self.port = int(match[2])

    def write(self, value):
        """Replaces the devices in one step, as a driver does."""
        new = self.file.with_suffix(".new")
        new.write_text(value if isinstance(value, str) else json.dumps(value))
        new.rename(self.file)

    def get(self, path, headers=None, method="GET"):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS_MAX)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()

    def report(self):
        """The current report."""
        status, _, body = self.get("/v1/capacity")
        assert status == 200, body
        return json.loads(body)

    def next_report(self, known):
        """The report that follows `known`, by long-poll."""
        status, _, body = self.get(f"/v1/capacity?generation={known['generation']}"
                                   f"&wait={NOTICE_SECONDS_MAX}s")
        assert status == 200, status
        return json.loads(body)

    def stop(self, seconds=END_SECONDS_MAX):
        """Ends it as Kubernetes does; the seconds that it took. A sanitizer that found something says so then at the latest."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code, log = self.process.wait(seconds), self.log.read_text()
        assert code == 0 and not processes.sanitizer_findings(log), f"{code}, log: {log}"
        return time.monotonic() - began

    def close(self):
        """Nothing of it is left, whatever happened before."""
        try:
            self.stop(ANSWER_SECONDS_MAX)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self._log_file.close()


@pytest.fixture
def start(tmp_path):
    """Starts agents and ends them."""
    agents = []

    def run(*flags, initial=None, **options):
        (tmp_path / "devices.json").write_text(json.dumps(initial or devices("disk-a")))
        agents.append(Agent(tmp_path, *flags, **options))
        return agents[-1]

    yield run
    for agent in agents:
        agent.close()


@pytest.mark.parametrize("said, code", [("x.cc:1: runtime error: y", 0), ("WARNING: ThreadSanitizer: data race", 0), ("", 66)])
def test_what_a_sanitizer_finds_in_an_agent_fails_the_test_that_started_it(tmp_path, said, code):
    program = tmp_path / "agent"
    program.write_text(f"""#!/usr/bin/python3
import signal, sys
def end(*_):
    print({said!r}, file=sys.stderr)
    sys.exit({code})
signal.signal(signal.SIGTERM, end)
print("pmem-capacity-agent listening on 127.0.0.1:1", flush=True)
signal.pause()
""")
    program.chmod(0o755)
    agent = Agent(tmp_path, program=program)
    with pytest.raises(AssertionError, match=said or str(code)):
        agent.close()


def pool(report, pool_id):
    """One pool of a report."""
    return next(pool for pool in report["pools"] if pool["id"] == pool_id)


class Poll(threading.Thread):
    """One GET on a thread of its own."""

    def __init__(self, agent, path):
        super().__init__(daemon=True)
        self._agent, self._path = agent, path
        self.answer = self.seconds = None
        self.start()

    def run(self):
        began = time.monotonic()
        try:
            self.answer = self._agent.get(self._path)
        except (OSError, http.client.HTTPException) as error:
            self.answer = (type(error).__name__, {}, "")
        self.seconds = time.monotonic() - began

    def status(self):
        """Of its answer."""
        self.join(ANSWER_SECONDS_MAX)
        assert self.answer, "no answer"
        return self.answer[0]


def waiting_readers(agent):
    """How many long-polls are parked."""
    return int(re.search(r"^pmem_agent_waiting_readers (\d+)$", agent.get("/metrics")[2], re.M)[1])


def wait_for_readers(agent, count):
    waiting.until(lambda: waiting_readers(agent), f"{count} readers wait", accepts=lambda seen: seen == count)


def test_the_report_is_the_documented_one(start):
    agent = start(initial={**devices("disk-a"), "regions": [
        {"name": "region1", "size_bytes": 4 * GIB, "align_bytes": 1 << 24, "numa_node": 1,
         "label_slots": 7, "namespaces": [
             {"name": "disk-b", "offset_bytes": GIB, "size_bytes": GIB, "mode": "fsdax"}]}]})
    report = agent.report()
    generation, observed_at = report.pop("generation"), report.pop("observed_at")
    assert generation > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", observed_at)
    boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert report == {
        "schema": 1, "node": "n1", "boot_id": boot_id, "errors": [],
        "pools": [
            {"id": "direct/region1", "kind": "direct", "total_bytes": 4 * GIB,
             "allocatable_bytes": 4 * GIB, "available_bytes": 3 * GIB,
             "max_volume_bytes": 2 * GIB, "alignment_bytes": 1 << 24, "numa_node": 1,
             "state": "ok", "volumes": [{"name": "disk-b", "bytes": GIB}],
             "free_extents": [{"offset_bytes": 0, "bytes": GIB},
                              {"offset_bytes": 2 * GIB, "bytes": 2 * GIB}],
             "label_slots_free": 6},
            {"id": "lvm/pmemvgregion0", "kind": "lvm", "total_bytes": 10 * GIB,
             "allocatable_bytes": 10 * GIB, "available_bytes": 9 * GIB,
             "max_volume_bytes": 9 * GIB, "alignment_bytes": 4 << 20, "state": "ok",
             "volumes": [{"name": "disk-a", "bytes": GIB}]}]}


def test_a_long_poll_wakes_when_the_file_is_replaced(start):
    agent = start()
    known = agent.report()
    poll = Poll(agent, f"/v1/capacity?generation={known['generation']}&wait=30s")
    wait_for_readers(agent, 1)
    agent.write(devices("disk-a", "disk-b"))
    assert poll.status() == 200
    assert poll.seconds < NOTICE_SECONDS_MAX
    report = json.loads(poll.answer[2])
    assert report["generation"] == known["generation"] + 1
    assert pool(report, "lvm/pmemvgregion0")["available_bytes"] == 8 * GIB
    print(f"\nagent: {poll.seconds * 1000:.0f} ms with a long-poll over one change")


def test_a_file_written_in_place_is_noticed_too(start):
    agent = start()
    known = agent.report()
    agent.file.write_text(json.dumps(devices()))
    # The write may be noticed in the middle; the end of it is what counts.
    report = agent.next_report(known)
    while report["errors"]:
        report = agent.next_report(report)
    assert pool(report, "lvm/pmemvgregion0")["volumes"] == []


def test_a_file_of_a_config_map_is_noticed_when_the_kubelet_swaps_it(tmp_path):
    for version, value in (("..1", devices("disk-a")), ("..2", devices("disk-a", "disk-b"))):
        (tmp_path / version).mkdir()
        (tmp_path / version / "devices.json").write_text(json.dumps(value))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "devices.json").symlink_to("..data/devices.json")
    agent = Agent(tmp_path)
    try:
        known = agent.report()
        (tmp_path / "..data_tmp").symlink_to("..2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        report = agent.next_report(known)
        assert pool(report, "lvm/pmemvgregion0")["available_bytes"] == 8 * GIB
    finally:
        agent.close()


def test_the_same_report_is_answered_304(start):
    agent = start()
    status, headers, body = agent.get("/v1/capacity")
    generation = json.loads(body)["generation"]
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert headers["ETag"] == f'"{json.loads(body)["boot_id"]}+{generation}"'
    assert agent.get("/v1/capacity", {"If-None-Match": headers["ETag"]})[0] == 304
    assert agent.get("/v1/capacity", {"If-None-Match": '"another+1"'})[0] == 200
    began = time.monotonic()
    status, headers, body = agent.get(f"/v1/capacity?generation={generation}&wait=300ms")
    assert (status, body) == (304, "")
    assert 0.3 <= time.monotonic() - began < NOTICE_SECONDS_MAX
    assert agent.get(f"/v1/capacity?generation={generation - 1}&wait=30s")[0] == 200


@pytest.mark.parametrize("garbage, complaint", [
    ("", "not JSON at byte 1"),
    ("{\"volume_groups\": [", "not JSON at byte"),
    ("[" * 100000, "nested more than 16 deep"),
    ("{\"regions\": [{\"name\": \"region1\", \"size_bytes\": -1}]}",
     "regions[0].size_bytes: -1 is not in"),
    ("{\"volume_groups\": [{\"name\": \"\u00e9\", \"size_bytes\": \"10Gi\"}]}", "is not an integer"),
    ("\x00\x01\x02", "not JSON at byte 1"),
    ("null", "null is not an object"),
    ("[]", "an array is not an object"),
    ("{\"regions\": 7}", "regions: 7 is not an array"),
    ("{\"regions\": [{\"name\": \"region1\", \"size_bytes\": 1e400}]}",
     "is too large"),
    ("{\"regions\": [{\"name\": \"region1\", \"size_bytes\": 99999999999999999999}]}",
     "regions[0].size_bytes: "),
    ("{\"volume_groups\": [{\"name\": \"g\", \"size_bytes\": 1, \"volumes\": "
     "[{\"name\": \"disk-a\", \"size_bytes\": 9223372036854775807}]}]}",
     "volume_groups[0].volumes[0].size_bytes: "),
    ("{\"volume_groups\": [" + ",".join("{}" for _ in range(300)) + "]}", "at most 256"),
    (" " * (SIMULATED_FILE_BYTES_MAX + 1), "longer than the limit of"),
], ids=lambda text: text[:24])
def test_garbage_keeps_the_last_good_numbers_and_says_so(start, garbage, complaint):
    agent = start()
    good = agent.report()
    agent.write(garbage)
    bad = agent.next_report(good)
    assert complaint in next(error["message"] for error in bad["errors"]
                             if error["source"] == "simulated")
    states = {pool["id"]: pool.pop("state") for pool in bad["pools"]}
    assert set(states.values()) == {"unknown"}
    for each in good["pools"]:
        del each["state"]
    assert bad["pools"] == good["pools"]
    assert agent.get("/readyz")[0] == 200
    agent.write(devices("disk-a", "disk-b"))
    again = agent.next_report(bad)
    assert again["errors"] == []
    assert pool(again, "lvm/pmemvgregion0")["state"] == "ok"


@pytest.mark.parametrize("replace, complaint", [
    (pathlib.Path.unlink, "No such file or directory"),
    (lambda file: (file.unlink(), file.mkdir()), "Is a directory"),
    (lambda file: (file.unlink(), file.symlink_to(file)), "Too many levels of symbolic links"),
], ids=["gone", "a folder", "a link to itself"])
def test_what_is_no_file_keeps_the_last_good_numbers_too(start, replace, complaint):
    agent = start()
    good = agent.report()
    replace(agent.file)
    # It may be read between the two steps of a replacement.
    waiting.until(lambda: any(complaint in error["message"] for error in agent.report()["errors"]), complaint)
    bad = agent.report()
    assert [each["available_bytes"] for each in bad["pools"]] == [
        each["available_bytes"] for each in good["pools"]]
    if agent.file.is_dir():
        agent.file.rmdir()
    agent.write(devices())
    waiting.until(lambda: agent.report()["errors"] == [], "nothing is wrong any more")


def test_a_file_that_comes_late_makes_it_ready(tmp_path):
    agent = Agent(tmp_path)
    try:
        status, headers, body = agent.get("/readyz")
        assert (status, headers["Content-Type"]) == (503, "application/problem+json")
        assert "simulated:" in json.loads(body)["detail"]
        assert agent.get("/livez")[0] == 200
        assert agent.get("/v1/capacity")[0] == 503
        agent.write(devices())
        waiting.until(lambda: agent.get("/readyz")[0] == 200, "the agent is ready")
        assert agent.report()["errors"] == []
    finally:
        agent.close()


def test_a_restart_within_one_boot_never_goes_back(start):
    agent = start()
    first = agent.report()
    agent.write(devices())
    second = agent.next_report(first)
    agent.stop()
    third = start().report()
    assert third["boot_id"] == second["boot_id"]
    assert third["generation"] > second["generation"] > first["generation"]


def test_sigterm_answers_a_parked_poll_and_ends(start):
    agent = start()
    generation = agent.report()["generation"]
    polls = [Poll(agent, f"/v1/capacity?generation={generation}&wait=60s") for _ in range(3)]
    wait_for_readers(agent, 3)
    assert agent.stop() < END_SECONDS_MAX
    assert {poll.status() for poll in polls} <= {304, 503}


@pytest.mark.parametrize("hangs_at", [1, 2], ids=["start", "re-read"])
def test_sigterm_ends_it_while_lvm_hangs(tmp_path, hangs_at):
    lvm = tmp_path / "lvm"
    lvm.write_text(f"#!/bin/sh\necho >>{tmp_path}/runs; [ $(wc -l <{tmp_path}/runs) -lt {hangs_at} ] && exit 5\n"
                   f"touch {tmp_path}/hangs; exec sleep 25\n")
    lvm.chmod(0o755)
    with open(tmp_path / "log", "w") as log, subprocess.Popen(
            [AGENT, "--node-name", "n1", "--listen", "127.0.0.1:0", "--resync", "1s", "--lvm-command", str(lvm),
             "--lvm-timeout", "20s"], stdout=subprocess.DEVNULL, stderr=log) as process:
        try:
            waiting.until((tmp_path / "hangs").exists, "LVM is asked")
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code, said = process.wait(ANSWER_SECONDS_MAX), (tmp_path / "log").read_text()
            assert code in (0, ENDED_BY_ALARM) and not processes.sanitizer_findings(said), f"{code}, log: {said}"
            assert time.monotonic() - began < END_SECONDS_MAX + 2
        finally:
            process.kill()


def test_a_parked_poll_whose_reader_is_gone_harms_nobody(start):
    agent = start()
    known = agent.report()
    with socket.create_connection(("127.0.0.1", agent.port)) as reader:
        reader.sendall(f"GET /v1/capacity?generation={known['generation']}&wait=30s HTTP/1.1\r\n"
                       "Host: n1\r\n\r\n".encode())
        wait_for_readers(agent, 1)
    agent.write(devices("disk-x"))
    assert agent.next_report(known)["errors"] == []
    assert agent.get("/livez")[0] == 200


@pytest.fixture
def open_files():
    """open_files(soft): the limit for this process and those that it starts from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda wanted: resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_every_connection_that_it_lets_in_has_a_descriptor(start, open_files):
    open_files(256)  # As a container may begin.
    agent = start()
    soft, hard = resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard or soft > CONNECTIONS_MAX


def test_polls_beyond_the_limit_are_answered_at_once(start, open_files):
    open_files(256)  # As a container may begin: the agent raises its own.
    agent = start()
    open_files(2 * WAITERS_MAX)
    generation = agent.report()["generation"]
    path = f"/v1/capacity?generation={generation}&wait=60s"
    with contextlib.ExitStack() as readers:
        for _ in range(WAITERS_MAX):
            reader = readers.enter_context(socket.create_connection(("127.0.0.1", agent.port)))
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: n1\r\n\r\n".encode())
        wait_for_readers(agent, WAITERS_MAX)
        assert agent.get(path)[0] == 304
        assert agent.get("/v1/capacity")[0] == 200
        assert agent.get("/livez")[0] == 200


@pytest.mark.parametrize("query", ["generation=x", "generation=-1", "generation=1&wait=30",
                                   "generation=1&wait=-1s", "generation=1&wait=inf"])
def test_a_bad_parameter_is_a_problem(start, query):
    agent = start()
    status, headers, body = agent.get("/v1/capacity?" + query)
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert json.loads(body)["status"] == 400
    assert agent.get("/v1/capacity")[0] == 200


def test_unknown_paths_and_methods(start):
    agent = start()
    assert agent.get("/v2/capacity")[0] == 404
    status, headers, _ = agent.get("/v1/capacity", method="POST")
    assert (status, headers["Allow"]) == (405, "GET")


def test_metrics_show_pools_and_scans(start):
    text = start().get("/metrics")[2]
    for line in (
            'pmem_agent_pool_available_bytes{kind="lvm",node="n1",pool="lvm/pmemvgregion0"}'
            f' {9 * GIB}',
            'pmem_agent_pool_label_slots_free{kind="direct",node="n1",pool="direct/region1"} 7',
            'pmem_agent_scans_total{result="ok",source="simulated"} 1'):
        assert line in text.splitlines()


def run(*flags, environment=None):
    """The program with flags that end it at once."""
    return subprocess.run([AGENT, *flags], capture_output=True, text=True, check=False,
                          timeout=ANSWER_SECONDS_MAX, env={**os.environ, **(environment or {})})


@pytest.mark.parametrize("flags, complaint", [
    ([], "--node-name"),
    (["--node-name", "n1", "--no-such-flag"], "no-such-flag"),
    (["--node-name", "n1", "--devices", "fake"], "--devices"),
    (["--node-name", "n1", "--resync", "often"], "--resync"),
    (["--node-name", "n1", "--resync", "10ms"], "--resync"),
    (["--node-name", "n1", "--listen", "nowhere"], "--listen"),
    (["--node-name", "n1", "extra"], "extra"),
])
def test_a_bad_flag_is_one_line_and_exit_2(flags, complaint):
    result = run(*flags)
    assert result.returncode == 2
    assert result.stdout == ""
    assert complaint in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_line_and_exit_2():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        result = run("--node-name", "n1", "--devices", "simulated:/nonexistent", "--listen", address)
    assert result.returncode == 2
    assert result.stdout == ""
    assert address in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_every_flag_has_an_environment_variable(start):
    text = run("--help").stdout
    for flag in ("--node-name", "--listen", "--devices", "--resync", "--vg-pattern",
                 "--region-pattern", "--lvm-command", "--lvm-timeout"):
        assert flag in text
        assert "PMEM_AGENT_" + flag[2:].upper().replace("-", "_") in text
    assert re.fullmatch(r"\S*pmem-capacity-agent \d+\.\d+\.\d+\S*\n|\d+\.\d+\.\d+\S*\n",
                        run("--version").stdout)
    report = start(environment={"PMEM_AGENT_REGION_PATTERN": "region7"}).report()
    assert [each["id"] for each in report["pools"]] == ["lvm/pmemvgregion0"]
