//! Deployments and Services.

use super::*;

const COUNTER: [&str; 2] = ["redis.yaml", "counter.yaml"];

rows! {
    a1_echo_deploy_makes_four_pods_step_by_step: "lesson" ["echo-deploy.yaml"] => [
        ("kubectl apply -f echo-deploy.yaml", &["deployment.apps/echo-deploy created"]),
        ("@settle", &[]),
        ("kubectl get deploy echo-deploy", &["4/4     4            4"]),
        // Who did what: each step is another component's, by the API server.
        (
            "kubectl get events -o custom-columns=WHO:.reportingComponent,WHAT:.reason --no-headers | sort -u",
            &[
                "deployment-controller   ScalingReplicaSet",
                "replicaset-controller   SuccessfulCreate",
                "default-scheduler       Scheduled",
                "kubelet                 Pulled",
                "kubelet                 Created",
                "kubelet                 Started",
            ],
        ),
        ("kubectl get rs,pods", &["replicaset.apps/echo-deploy-", "pod/echo-deploy-"]),
    ];
    a2_change_the_image_to_v2: "lesson" ["echo-deploy.yaml"] => [
        ("kubectl apply -f echo-deploy.yaml", &[]),
        ("@settle", &[]),
        ("sed -i s/echo:v1/echo:v2/ echo-deploy.yaml && kubectl apply -f echo-deploy.yaml", &["configured"]),
        ("kubectl rollout status deploy/echo-deploy", &["out of 4 new replicas have been updated", "successfully rolled out"]),
        ("kubectl describe deploy echo-deploy", &[
            "25% max unavailable, 25% max surge",
            "from 0 to 1", "from 4 to 3", "from 1 to 2", "from 1 to 0", "Image:         ghcr.io/subicura/echo:v2",
        ]),
        ("kubectl get pods --no-headers | wc -l", &["4"]),
    ];
    a3_rollout_history_and_undo: "lesson" ["echo-deploy.yaml"] => [
        ("kubectl apply -f echo-deploy.yaml", &[]),
        ("@settle", &[]),
        ("sed -i s/echo:v1/echo:v2/ echo-deploy.yaml && kubectl apply -f echo-deploy.yaml", &[]),
        ("@settle", &[]),
        ("kubectl rollout history deploy/echo-deploy", &["REVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n"]),
        ("kubectl rollout history deploy/echo-deploy --revision=1", &["deployment.apps/echo-deploy with revision #1", "ghcr.io/subicura/echo:v1"]),
        ("kubectl rollout undo deploy/echo-deploy", &["deployment.apps/echo-deploy rolled back"]),
        ("@settle", &[]),
        ("kubectl rollout history deploy/echo-deploy", &["2         <none>\n3         <none>\n"]),
        ("kubectl rollout undo deploy/echo-deploy --to-revision=2", &["deployment.apps/echo-deploy rolled back"]),
        ("@settle", &[]),
        ("kubectl get deploy echo-deploy -o wide", &["4/4", "ghcr.io/subicura/echo:v2"]),
        ("kubectl rollout undo deploy/echo-deploy --to-revision=9", &["error: unable to find specified revision 9 in history"]),
    ];
    a4_surge_three_unavailable_three: "lesson" ["echo-deploy.yaml"] => [
        ("sed -i 's/^  replicas: 4/  replicas: 4\\n  minReadySeconds: 5\\n  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 3, maxUnavailable: 3}}/' echo-deploy.yaml", &[]),
        ("kubectl apply -f echo-deploy.yaml", &["created"]),
        ("@sleep 30", &[]),
        ("sed -i s/echo:v1/echo:v2/ echo-deploy.yaml && kubectl apply -f echo-deploy.yaml", &["configured"]),
        ("@sleep 1", &[]),
        // 4 + 3 at most, 4 - 3 available at least: three new ones and three old ones less at once.
        ("kubectl get rs --sort-by=.metadata.creationTimestamp -o custom-columns=N:.spec.replicas --no-headers | tr '\\n' ' '", &["1 4"]),
        ("kubectl describe deploy echo-deploy", &["3 max unavailable, 3 max surge", "MinReadySeconds:        5", "from 0 to 3", "from 4 to 1", "from 3 to 4"]),
        ("@sleep 30", &[]),
        ("kubectl get deploy echo-deploy", &["4/4     4            4"]),
    ];
    a5_the_counter_reaches_redis_by_name: "lesson" COUNTER => [
        ("kubectl apply -f redis.yaml -f counter.yaml", &["deployment.apps/redis created", "service/redis created", "deployment.apps/counter created"]),
        ("@settle", &[]),
        ("kubectl scale deploy counter --replicas=3", &["scaled"]),
        ("@settle", &[]),
        ("kubectl exec deploy/counter -- env | grep REDIS_HOST", &["REDIS_HOST=redis"]),
        // Whichever pod is asked, the number is redis's.
        (
            "for ip in $(kubectl get pods -l tier=app -o jsonpath='{.items[*].status.podIP}'); do ssh node-1 curl -s $ip:3000; echo; done",
            &["1\n2\n3\n"],
        ),
        ("kubectl exec deploy/redis -- redis-cli GET count", &["3"]),
    ];
    a6_the_services_way: "lesson" COUNTER => [
        ("kubectl apply -f redis.yaml -f counter.yaml", &[]),
        ("@settle", &[]),
        ("kubectl get endpointslices -l kubernetes.io/service-name=redis", &["redis-", "IPv4", "6379"]),
        ("for n in control-plane node-1 node-2 node-3; do ssh $n sudo iptables-save -t nat | grep -c 'default/redis cluster IP'; done", &["2\n2\n2\n2\n"]),
        ("kubectl exec deploy/counter -- nslookup redis.default.svc.cluster.local", &["Server:\t\t10.96.0.10", "Name:\tredis.default.svc.cluster.local"]),
        ("POD=$(kubectl get pods -l tier=app -o name | cut -d/ -f2); kubectl exec $POD -- wget -qO- localhost:3000", &["1"]),
        ("way --from $POD $(kubectl get svc redis -o jsonpath={.spec.clusterIP})", &["KUBE-SVC-", "-j DNAT --to-destination", "answered"]),
    ];
    a7_every_node_answers_the_node_port_but_the_one_that_is_stopped: "lesson" ["redis.yaml", "counter.yaml", "counter-np.yaml"] => [
        ("kubectl apply -f redis.yaml -f counter.yaml -f counter-np.yaml", &[]),
        ("@settle", &[]),
        ("for i in 10 11 12 13; do curl -s 10.64.140.$i:31000; echo; done", &["1\n2\n3\n4\n"]),
        ("FREE=$(for n in node-1 node-2 node-3; do kubectl get pods -o wide --no-headers | grep -q $n || echo $n; done | head -1); IP=$(kubectl get node $FREE -o jsonpath='{.status.addresses[0].address}'); echo $IP", &["10.64.140.1"]),
        ("curl -s $IP:31000", &["5"]),
        ("machine stop $FREE", &["stopped"]),
        ("curl -s --max-time 2 $IP:31000", &["[exit 28]"]),
        ("for i in 10 11 12 13; do [ 10.64.140.$i = $IP ] || curl -s 10.64.140.$i:31000; done", &["678"]),
    ];
    a8_without_a_load_balancer_it_is_pending: "lesson" ["redis.yaml", "counter.yaml", "counter-lb.yaml"] => [
        ("kubectl apply -f redis.yaml -f counter.yaml -f counter-lb.yaml", &[]),
        ("@settle", &[]),
        ("kubectl get svc counter-lb", &["LoadBalancer", "<pending>", "30000:"]),
    ];
    a9_metallb_announces_and_another_node_takes_over: "lesson" ["redis.yaml", "counter.yaml", "counter-lb.yaml"] => [
        ("kubectl apply -f redis.yaml -f counter.yaml -f counter-lb.yaml", &[]),
        ("microk8s enable metallb:10.64.140.43-10.64.140.49", &["MetalLB is enabled"]),
        ("@settle", &[]),
        ("@sleep 5", &[]),
        ("kubectl get svc counter-lb", &["10.64.140.43"]),
        ("curl -s 10.64.140.43:30000", &["1"]),
        ("announcer() { MAC=$(arping -c 1 10.64.140.43 | grep -o '5[0-9A-F:]*]' | tr -d ]); for i in 1 2 3; do arping -c 1 10.64.140.1$i | grep -q $MAC && echo node-$i; done; }", &[]),
        ("A=$(announcer); echo $A", &["node-"]),
        ("machine stop $A", &["stopped"]),
        ("curl -s --max-time 1 10.64.140.43:30000", &["[exit 28]"]),
        ("@sleep 60", &[]),
        ("B=$(announcer); echo $B; [ $A != $B ] && echo moved", &["node-", "moved"]),
        ("kubectl get events --field-selector reason=nodeAssigned -o custom-columns=M:.message", &["announcing from node"]),
        // Pods that were on the machine are still endpoints of connections that come to nothing.
        ("for i in 1 2 3 4 5 6 7 8; do curl -s --max-time 3 10.64.140.43:30000 && break; done", &["2"]),
    ];
    a10_metallb_config_says_what_is_wrong_with_its_address: "lesson" ["redis.yaml", "counter.yaml", "counter-lb.yaml", "metallb-config.yaml"] => [
        ("kubectl apply -f redis.yaml -f counter.yaml -f counter-lb.yaml", &[]),
        ("microk8s enable metallb:10.64.140.60-10.64.140.61", &["MetalLB is enabled"]),
        ("@settle", &[]),
        ("kubectl apply -f metallb-config.yaml", &["configured"]),
        ("@sleep 5", &[]),
        ("kubectl logs -n metallb-system deploy/controller --tail=1", &[
            "invalid CIDR \\\"192.xxx.xxx.xxx\\\" in pool \\\"default\\\"", "config (re)load failed, config marked stale",
        ]),
        // An address that is in use must be in the pools, so it is given back first.
        ("kubectl delete svc counter-lb", &["deleted"]),
        ("@sleep 2", &[]),
        ("sed -i 's/192.xxx.xxx.xxx/10.64.140.45-10.64.140.46/' metallb-config.yaml && kubectl apply -f metallb-config.yaml", &["configured"]),
        ("@sleep 5", &[]),
        ("kubectl apply -f counter-lb.yaml", &["created"]),
        ("@sleep 5", &[]),
        ("kubectl get svc counter-lb", &["10.64.140.45"]),
        ("curl -s 10.64.140.45:30000", &["1"]),
    ];
}
