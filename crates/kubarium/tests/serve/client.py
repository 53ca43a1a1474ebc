"""Python's client against `kubarium serve`: what its documentation shows. Argument: a kubeconfig."""

import sys
import threading
import time

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import portforward, stream

config.load_kube_config(config_file=sys.argv[1])
core, apps = client.CoreV1Api(), client.AppsV1Api()


def until(what, condition, seconds=40):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not in time"
        time.sleep(0.1)


def deployment(name, replicas):
    labels = {"app": name}
    container = client.V1Container(
        name="nginx", image="nginx:1.25", ports=[client.V1ContainerPort(container_port=80)]
    )
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
    )
    spec = client.V1DeploymentSpec(
        replicas=replicas, selector=client.V1LabelSelector(match_labels=labels), template=template
    )
    return client.V1Deployment(metadata=client.V1ObjectMeta(name=name), spec=spec)


def create_patch_watch():
    apps.create_namespaced_deployment("default", deployment("web", 2))
    seen = []
    for event in watch.Watch().stream(apps.list_namespaced_deployment, "default", timeout_seconds=40):
        seen.append(event["type"])
        if (event["object"].status.ready_replicas or 0) == 2:
            break
    assert seen[0] == "ADDED" and set(seen[1:]) <= {"MODIFIED"}, seen
    apps.patch_namespaced_deployment("web", "default", {"spec": {"replicas": 3}})
    apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 1}})
    until("one pod", lambda: len(core.list_namespaced_pod("default", label_selector="app=web").items) == 1)
    assert core.list_node().items[0].status.node_info.kubelet_version.startswith("v1.")


def server_side_apply():
    dynamic_client = dynamic.DynamicClient(client.ApiClient())
    maps = dynamic_client.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1"}}
    applied = maps.server_side_apply(body=body, namespace="default", field_manager="one")
    assert applied.metadata.managedFields[0].operation == "Apply"
    body["data"]["a"] = "2"
    try:
        maps.server_side_apply(body=body, namespace="default", field_manager="two")
        raise AssertionError("no conflict")
    except ApiException as error:
        assert error.status == 409, error
    forced = maps.server_side_apply(
        body=body, namespace="default", field_manager="two", force_conflicts=True
    )
    assert forced.data.a == "2"
    utils.create_from_dict(client.ApiClient(), {**body, "metadata": {"name": "m2"}})
    assert core.read_namespaced_config_map("m2", "default").data == {"a": "2"}


def errors():
    for call, code in [
        (lambda: core.read_namespaced_pod("none", "default"), 404),
        (lambda: core.create_namespaced_config_map("none", client.V1ConfigMap(metadata={"name": "x"})), 404),
        (lambda: core.create_namespaced_config_map("default", client.V1ConfigMap(metadata={"name": "X_"})), 422),
    ]:
        try:
            call()
            raise AssertionError("no error")
        except ApiException as error:
            assert error.status == code, error


def commands_and_logs():
    name = core.list_namespaced_pod("default", label_selector="app=web").items[0].metadata.name
    said = stream(
        core.connect_get_namespaced_pod_exec, name, "default", command=["hostname"],
        stderr=True, stdin=False, stdout=True, tty=False,
    )
    assert said.strip() == name, said
    shell = stream(
        core.connect_get_namespaced_pod_exec, name, "default", command=["sh"],
        stderr=True, stdin=True, stdout=True, tty=False, _preload_content=False,
    )
    shell.write_stdin("echo one; echo two >&2; exit 5\n")
    shell.run_forever(timeout=20)
    assert (shell.read_stdout(), shell.read_stderr(), shell.returncode) == ("one\n", "two\n", 5)
    assert "start worker process" in core.read_namespaced_pod_log(name, "default", tail_lines=1)
    talk = client.V1Container(
        name="c", image="busybox", command=["sh", "-c", "for i in 1 2 3; do echo $i; sleep 1; done"]
    )
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="talk"),
        spec=client.V1PodSpec(containers=[talk], restart_policy="Never"),
    )
    core.create_namespaced_pod("default", pod)
    phase = lambda: core.read_namespaced_pod_status("talk", "default").status.phase
    until("a running pod", lambda: phase() != "Pending")
    lines = watch.Watch().stream(core.read_namespaced_pod_log, "talk", "default")
    assert list(lines) == ["1", "2", "3"]


def forwarded_port():
    name = core.list_namespaced_pod("default", label_selector="app=web").items[0].metadata.name
    ports = portforward(core.connect_get_namespaced_pod_portforward, name, "default", ports="80")
    connection = ports.socket(80)
    connection.setblocking(True)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = b""
    while piece := connection.recv(4096):
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK") and b"Welcome to nginx!" in answer, answer
    assert ports.error(80) is None, ports.error(80)


def tokens():
    core.create_namespaced_service_account("default", client.V1ServiceAccount(metadata={"name": "robot"}))
    request = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=None, expiration_seconds=600)
    )
    token = core.create_namespaced_service_account_token("robot", "default", request).status.token
    settings = client.Configuration.get_default_copy()
    settings.cert_file = settings.key_file = None
    settings.api_key = {"authorization": f"Bearer {token}"}
    robot = client.ApiClient(settings)
    me = client.AuthenticationV1Api(robot).create_self_subject_review(client.V1SelfSubjectReview())
    assert me.status.user_info.username == "system:serviceaccount:default:robot", me
    try:
        client.CoreV1Api(robot).list_namespaced_secret("default")
        raise AssertionError("not forbidden")
    except ApiException as error:
        assert error.status == 403, error


def many_at_once():
    def work(worker):
        mine = client.CoreV1Api()
        for i in range(20):
            meta = client.V1ObjectMeta(name=f"many-{worker}-{i}")
            mine.create_namespaced_config_map("default", client.V1ConfigMap(metadata=meta))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    maps = core.list_namespaced_config_map("default").items
    assert sum(one.metadata.name.startswith("many-") for one in maps) == 160


for story in [
    create_patch_watch, server_side_apply, errors, commands_and_logs, forwarded_port, tokens, many_at_once
]:
    story()
    print(story.__name__, flush=True)
