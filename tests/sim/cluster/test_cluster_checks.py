"""The sentences about clusters that work cannot begin on, and the facts that they compare."""

import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from valuescape.sim.cluster import facts, reaching
from valuescape.sim.cluster.checks import Node, require_room, require_usable, rounding_remark
from valuescape.sim.cluster.connecting import connected
from valuescape.sim.cluster.facts import Facts, facts_here, sources_hash
from valuescape.sim.errors import UsageError

HERE = Facts("here", "3.11.7", "2.60.0", "0.1.0", "aaaa", "bbbb", "EPYC", 8)


def nodes(**changes):
    return [Node("10.0.0.1", 4, HERE), Node("10.0.0.2", 4, replace(HERE, name="there", **changes))]


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (nodes(ray="2.40.0")[1], "node 10.0.0.2 has Ray 2.40.0, this machine has 2.60.0"),
        (nodes(python="3.12.1")[1], "node 10.0.0.2 has Python 3.12, this machine has 3.11"),
        (nodes(version="0.2.0")[1], "node 10.0.0.2 has valuescape 0.2.0, this machine has 0.1.0"),
        (nodes(sources="cccc")[1], "its files hash to cccc, those of this machine to aaaa"),
        (
            Node("10.0.0.2", 4, problem="valuescape cannot be imported (ModuleNotFoundError: …)"),
            "node 10.0.0.2: valuescape cannot be imported",
        ),
    ],
)
def test_a_node_that_is_not_like_this_machine_is_named(node, said):
    with pytest.raises(UsageError) as error:
        require_usable([nodes()[0], node], HERE, free=8)
    assert said in str(error.value)
    assert "install the same" in error.value.hint


@pytest.mark.parametrize(
    ("changes", "free", "cpus", "said"),
    [
        ({}, 0, 1, "the cluster is full: other work holds its 8 CPUs"),
        ({}, 8, 9, "the cluster has 8 CPUs on 2 nodes: workers.count = 9"),
    ],
)
def test_too_few_processors_are_counted(changes, free, cpus, said):
    with pytest.raises(UsageError, match=said):
        require_usable(nodes(**changes), HERE, free=free, cpus=cpus)


def test_a_cluster_without_processors_is_told():
    with pytest.raises(UsageError, match="0 CPUs on 1 node: work needs one at least"):
        require_usable([Node("10.0.0.1", 0, HERE)], HERE, free=0)


def test_a_cluster_that_is_alike_and_has_room_is_taken():
    require_usable(nodes(python="3.11.2"), HERE, free=1, cpus=8)


def test_more_workers_on_each_node_than_it_has_free_processors_are_refused():
    with pytest.raises(UsageError, match=r"workers\.count = 50 .* node b has 3 CPUs that are free") as error:
        require_room({"a": 8, "b": 3, "head": 0}, 50)
    assert "workers.count=3, or auto" in error.value.hint
    for count in (0, 3, "auto"):
        require_room({"a": 8, "b": 3, "head": 0}, count)


def test_other_rounding_is_told_and_taken():
    other = nodes(arithmetic="cccc", processor="Xeon")
    require_usable(other, HERE, free=8)
    said = rounding_remark(other, HERE)
    assert "node 10.0.0.2: its processor (Xeon) rounds differently from this machine's (EPYC)" in said
    assert rounding_remark(nodes(), HERE) == ""


def test_another_text_of_ours_gives_another_hash(tmp_path, monkeypatch):
    """Also one in a folder that is a link, as the rooms are in the repository."""
    package = tmp_path / "valuescape"
    (tmp_path / "rooms").mkdir()
    package.mkdir()
    (package / "sim").symlink_to(tmp_path / "rooms")
    (package / "a.py").write_text("1")
    (tmp_path / "rooms" / "cluster").mkdir()
    here = tmp_path / "rooms" / "cluster" / "facts.py"
    here.write_text("2")
    monkeypatch.setattr(facts, "__file__", str(here))
    found = []
    for text in ("2", "3", "2"):
        here.write_text(text)
        sources_hash.cache_clear()
        found.append(sources_hash())
    sources_hash.cache_clear()
    assert found[0] == found[2] != found[1]


def test_the_facts_are_those_of_this_machine():
    found = facts_here()
    assert found == facts_here()
    assert (found.version, found.python) == ("0.1.0", sys.version.split()[0])
    assert len(found.sources) == len(found.arithmetic) == 12


def test_ray_that_is_missing_is_named_with_its_extra(tmp_path):
    script = (
        "import sys; sys.modules['ray'] = None\n"
        "from valuescape.__main__ import main\n"
        "sys.argv = ['valuescape', 'analyze', 'configs/checkpoints/pendulum.safetensors', '--world',\n"
        "    'pendulum', '--cluster', 'local', '--out', sys.argv[1]]\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "needs Ray, which is not installed" in done.stderr
    assert "pip install 'valuescape[ray]'" in done.stderr
    assert done.stderr.count("\n") == 2


@pytest.fixture
def deaf():
    """The port of something that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield listening.getsockname()[1]


@pytest.mark.parametrize("cluster", ["ray", "ray://host", "ray://host:99999", "http://host:1", "host:0"])
def test_an_address_of_another_form_is_refused(cluster):
    with pytest.raises(UsageError, match='expected "auto", "local", "ray://HOST:PORT" or "HOST:PORT"'):
        reaching.require_address(cluster)


def test_an_address_where_nothing_listens_is_told_at_once(deaf):
    for cluster in ("ray://127.0.0.1:9", "127.0.0.1:9", "ray://[::1]:9"):
        with pytest.raises(UsageError, match=r"no connection: (Connection refused|Cannot assign)"):
            reaching.require_reachable(cluster)


def test_the_address_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(UsageError, match=r"'auto' \(RAY_ADDRESS = '127.0.0.1:9'\): no connection"):
        reaching.require_reachable("auto")


def test_a_silent_address_is_waited_for_so_long_and_no_longer(monkeypatch):
    def silent(*_):
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    with pytest.raises(UsageError, match="no answer within 5 s"):
        reaching.require_reachable("ray://10.255.255.1:10001")


def test_what_is_no_head_is_given_up(monkeypatch):
    """Ray itself waits for minutes: here it waits for ever, and is left waiting."""
    asked = threading.Event()
    monkeypatch.setattr(reaching, "_HEAD_S", 0.05)
    monkeypatch.setattr(reaching, "_require_port", lambda _: None)
    monkeypatch.setattr(reaching, "_ask_head", lambda _: asked.wait(20))
    with pytest.raises(UsageError, match="does not answer as the head of a Ray cluster"):
        reaching.require_reachable("127.0.0.1:6379")
    asked.set()


def test_a_cluster_that_wants_a_token_is_told(monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(reaching, "_require_port", lambda _: None)
    monkeypatch.setattr(reaching, "_ask_head", lambda _: ray.exceptions.AuthenticationError("no"))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(UsageError, match="wants its token") as error:
        reaching.require_reachable("127.0.0.1:6379")
    assert "RAY_AUTH_MODE=token" in error.value.hint


@pytest.fixture
def server_of_clients():
    """Return the port of a server like Ray's for clients, which answers those that send a token."""
    grpc = pytest.importorskip("grpc")
    messages = pytest.importorskip("ray.core.generated.ray_client_pb2")
    services = pytest.importorskip("ray.core.generated.ray_client_pb2_grpc")

    class Server(services.RayletDriverServicer):
        def ClusterInfo(self, request, context):
            if dict(context.invocation_metadata()).get("authorization") != "Bearer sesame":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid or missing authentication token")
            return messages.ClusterInfoResponse(json="{}")

    server = grpc.server(ThreadPoolExecutor(1))
    services.add_RayletDriverServicer_to_server(Server(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def test_a_server_of_clients_that_wants_a_token_is_told_or_gets_it(server_of_clients):
    """In a process of its own: Ray reads its token and whether to send it once."""
    code = "import sys; from valuescape.sim.cluster import reaching; reaching.require_reachable(sys.argv[1])"
    command = [sys.executable, "-c", code, f"ray://127.0.0.1:{server_of_clients}"]
    said = {}
    for token in ("sesame", "guessed"):
        environment = {**os.environ, "RAY_AUTH_TOKEN": token}
        environment.pop("RAY_AUTH_MODE", None)
        said[token] = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said["sesame"].returncode == 0, said["sesame"].stderr
    assert "the cluster wants its token, and this process has none or another" in said["guessed"].stderr


def test_a_cluster_that_wants_the_token_of_this_user_gets_it(monkeypatch):
    """As one of `ray start`, where a token lies in the home folder."""
    ray = pytest.importorskip("ray")
    answers = [ray.exceptions.AuthenticationError("no"), None]
    monkeypatch.setattr(reaching, "_require_port", lambda _: None)
    monkeypatch.setattr(reaching, "_ask_head", lambda _: answers.pop(0))
    monkeypatch.setattr(reaching, "_use_own_token", lambda: True)
    reaching.require_reachable("127.0.0.1:6379")
    assert answers == []


def test_versions_are_told_in_one_sentence():
    """Of the error that Ray itself raises for a cluster of another version."""
    pytest.importorskip("ray")
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as raised:
        check_version_info({"ray_version": "2.40.0", "python_version": "3.9.1"}, "node 1:2")
    said = str(reaching.refused("auto", raised.value))
    assert "the cluster has Ray 2.40.0 and Python 3.9.1, this process Ray 2" in said
    assert "install the same versions" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("Could not find any running Ray instance"), "no Ray cluster runs on this machine"),
        (ValueError("Ray Client requires pip package `ray[client]`"), "without its client"),
    ],
)
def test_what_ray_says_at_length_is_said_in_short(error, said):
    assert said in str(reaching.refused("auto", error))


def test_a_connection_to_what_is_no_server_of_clients_is_told():
    said = str(reaching.refused("ray://h:1", ConnectionError("ray client connection timeout")))
    assert "does not answer as Ray's server of clients" in said


def test_an_address_of_no_form_is_refused_before_ray_is_asked_for():
    with pytest.raises(UsageError), connected("nowhere"):
        pass
