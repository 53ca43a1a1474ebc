//! Keeping it running.

use super::*;

const BIG_PODS: &str = "-- file web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-deploy}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: 'nginx:1.16', resources: {requests: {cpu: 500m}}}]}
-- end";

/// What the page makes of the paste, by one click.
const MENDED: &str =
    "sed '/^\\t/d' web-deploy.pasted.yaml > web-deploy.yaml; kubectl apply -f web-deploy.yaml";

rows! {
    // That the page says where, and mends it on one click: `page-manifests.test.js`, and `tests/lessons.rs`.
    d1_a_tab_before_a_comment: "recovery" ["web-deploy.pasted.yaml"] => [
        ("kubectl apply -f web-deploy.pasted.yaml", &["error converting YAML to JSON: yaml: line 8: found character that cannot start any token"]),
        (MENDED, &["deployment.apps/web-deploy created"]),
        ("@settle", &[]),
        ("kubectl get deploy web-deploy", &["3/3"]),
    ];
    d2_what_does_not_fit_stays_pending_until_there_is_another_node: "recovery" [] => [
        (BIG_PODS, &[]),
        ("kubectl apply -f web.yaml", &[]),
        ("@settle", &[]),
        // A cluster of two nodes: the third has not joined yet.
        ("kubectl drain node3 --ignore-daemonsets --delete-emptydir-data --force", &["node/node3 drained"]),
        ("machine stop node3", &["node3 stopped"]),
        ("kubectl delete node node3", &["node \"node3\" deleted"]),
        ("kubectl scale --replicas=10 deployment.apps/web-deploy", &["scaled"]),
        ("@settle", &[]),
        ("kubectl get pods --no-headers | grep -c Pending", &["3"]),
        ("kubectl describe pod $(kubectl get pods --no-headers | grep Pending | head -1 | cut -d' ' -f1)", &["FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu."]),
        // Its kubelet registers it when it starts.
        ("machine start node3", &["node3 started"]),
        ("@sleep 60", &[]),
        ("kubectl get nodes", &["node3   Ready"]),
        ("kubectl get pods --no-headers | grep -c Running", &["10"]),
        ("kubectl get pods -o wide | grep -c node3", &["3"]),
    ];
    d3_describe_tells_the_budget: "recovery" ["web-deploy.pasted.yaml"] => [
        (MENDED, &[]),
        ("kubectl describe deployment web-deploy", &["RollingUpdateStrategy:  25% max unavailable, 25% max surge", "StrategyType:           RollingUpdate"]),
    ];
    d4_the_old_replica_set_is_kept_and_used_again: "recovery" ["web-deploy.pasted.yaml"] => [
        (MENDED, &[]),
        ("@settle", &[]),
        ("OLD=$(kubectl get rs -o name)", &[]),
        ("sed -i s/1.16/1.17/ web-deploy.yaml; kubectl apply -f web-deploy.yaml", &["configured"]),
        ("@settle", &[]),
        ("kubectl get $OLD --no-headers | awk '{print $2, $3, $4}'", &["0 0 0"]),
        ("kubectl rollout undo deployment web-deploy", &["rolled back"]),
        ("@settle", &[]),
        ("kubectl get $OLD --no-headers | awk '{print $2, $3, $4}'", &["3 3 3"]),
        ("kubectl get rs --no-headers | wc -l", &["2"]),
    ];
    d5_a_restart_keeps_the_address_and_a_new_pod_has_another: "recovery" ["web-deploy.pasted.yaml"] => [
        (MENDED, &[]),
        ("@settle", &[]),
        ("POD=$(kubectl get pods -o name | head -1); IP=$(kubectl get $POD -o jsonpath={.status.podIP})", &[]),
        ("kubectl exec $POD -- sh -c 'kill -TERM 1'", &[]),
        ("@settle", &[]),
        ("kubectl get $POD -o custom-columns=R:.status.containerStatuses[0].restartCount,IP:.status.podIP --no-headers | grep -c \"1 *$IP\"", &["1"]),
        ("kubectl delete $POD", &["deleted"]),
        ("@settle", &[]),
        ("kubectl get pods -o jsonpath='{.items[*].status.podIP}' | grep -c \"$IP\\b\"", &["0"]),
    ];
    // v1.32 took the grace of 40 s, which the lesson has, to 50 s.
    d6_a_node_stops_and_starts_again: "recovery" ["web-deploy.pasted.yaml"] => [
        (MENDED, &[]),
        ("@settle", &[]),
        ("machine stop node1", &["stopped"]),
        ("@sleep 38", &[]),
        ("kubectl get node node1", &["node1   Ready"]),
        ("@sleep 20", &[]),
        ("kubectl get node node1", &["node1   NotReady"]),
        ("kubectl get pods --no-headers | grep -c Running", &["3"]),
        ("@sleep 310", &[]),
        ("kubectl get pods -o wide | grep Terminating", &["node1"]),
        ("kubectl get pods --no-headers | grep -c Running", &["3"]),
        ("machine start node1", &["started"]),
        ("@settle", &[]),
        ("kubectl get node node1", &["node1   Ready"]),
        ("kubectl get pods --no-headers | grep -c Running", &["3"]),
        ("kubectl get pods", &["not: Terminating"]),
    ];
    d7_mysql_comes_up_elsewhere_with_its_data: "recovery" ["mysql-ha.yaml"] => [
        ("kubectl apply -f mysql-ha.yaml", &["persistentvolumeclaim/gvol-1 created", "deployment.apps/mysql created", "service/mysql-dpl created"]),
        ("@settle", &[]),
        ("@sleep 30", &[]),
        ("kubectl get pvc gvol-1", &["Bound", "12Gi", "RWX", "gluster-heketi"]),
        ("POD=$(kubectl get pods -l app=mysql -o name); NODE=$(kubectl get $POD -o jsonpath={.spec.nodeName}); kubectl exec $POD -- mysql -uroot -pqwerty -e 'create database shop; create table shop.t (n int); insert into shop.t values (42)'", &["not: ERROR"]),
        // The probe's command is without a shell, so the password is wrong; ping is answered nevertheless.
        ("kubectl exec $POD -- mysqladmin '-p$MYSQL_ROOT_PASSWORD' ping", &["mysqld is alive"]),
        ("@sleep 120", &[]),
        ("kubectl get pods -l app=mysql --no-headers", &["1/1   Running   0"]),
        ("machine stop $NODE", &["stopped"]),
        ("@sleep 420", &[]),
        ("kubectl get pods -l app=mysql --no-headers | grep -c '1/1 *Running'", &["1"]),
        ("POD=$(kubectl get pods -l app=mysql --no-headers | grep Running | cut -d' ' -f1); [ $(kubectl get pod $POD -o jsonpath={.spec.nodeName}) != $NODE ] && echo elsewhere", &["elsewhere"]),
        ("kubectl exec $POD -- mysql -uroot -pqwerty -e 'select n from shop.t'", &["42"]),
    ];
    d8_cordon_drain_uncordon: "recovery" ["web-deploy.pasted.yaml", "daemonset.yaml"] => [
        (MENDED, &[]),
        ("kubectl apply -f daemonset.yaml", &[]),
        ("@settle", &[]),
        ("kubectl cordon node1", &["node/node1 cordoned"]),
        ("kubectl get nodes", &["node1   Ready,SchedulingDisabled"]),
        ("kubectl drain node1", &["node/node1 already cordoned", "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): kube-system/test-elasticsearch-"]),
        ("OLD=$(kubectl get pods -l app=web -o wide --no-headers | grep node1 | awk '{print $6}')", &[]),
        ("kubectl drain node1 --ignore-daemonsets", &["evicting pod default/web-deploy-", "node/node1 drained"]),
        ("@settle", &[]),
        ("kubectl get pods -l app=web -o wide", &["not: node1"]),
        ("kubectl get pods -l app=web -o wide | grep -c \"$OLD \"", &["0"]),
        ("kubectl get pods -n kube-system -o wide | grep test-elasticsearch", &["node1"]),
        ("kubectl uncordon node1", &["node/node1 uncordoned"]),
        ("kubectl get nodes", &["not: SchedulingDisabled"]),
    ];
}
