//! The first two tables of the lessons, row by row: what is typed, and what must be seen. A test is named
//! after its row. Rows of which only the page shows something are the page's.

use cluster::{Cluster, Preset, play_step, script};
use std::path::Path;

/// One row: a preset, the lessons' files that it needs, and lines with what must be in their answers.
struct Row {
    preset: &'static str,
    files: &'static [&'static str],
    steps: &'static [(&'static str, &'static [&'static str])],
}

/// What is at a text's beginning that must not be in an answer.
const NOT: &str = "not: ";

fn play(row: &Row) {
    let mut cluster = Cluster::new(&Preset::named(row.preset).unwrap(), 1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons");
    for name in row.files {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        cluster.input(view::Input::WriteFile { name: name.to_string(), text });
    }
    let mut told = String::new();
    for (line, seen) in row.steps {
        let text = if line.starts_with(['@', '-']) { line.to_string() } else { format!("$ {line}") };
        for step in script::parse(&text).unwrap() {
            let mut answer = String::new();
            play_step(&mut cluster, &step, &mut |text| answer.push_str(text));
            told.push_str(&format!("{text}\n{answer}"));
            for wanted in *seen {
                match wanted.strip_prefix(NOT) {
                    Some(unwanted) => assert!(!answer.contains(unwanted), "{unwanted:?} is there:\n{told}"),
                    None => assert!(answer.contains(wanted), "{wanted:?} is missing:\n{told}"),
                }
            }
        }
    }
}

macro_rules! rows {
    ($($name:ident: $preset:literal $files:expr => $steps:expr;)*) => {
        $(#[test]
        fn $name() {
            play(&Row { preset: $preset, files: &$files, steps: &$steps });
        })*
    };
}

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
    b1_vagrant_up: "v120" [] => [
        ("vagrant up", &["Bringing machine 'm-k8s' up", "Bringing machine 'w3-k8s' up"]),
        ("kubectl get nodes -o wide", &[
            "m-k8s    Ready    control-plane", "w1-k8s   Ready", "w2-k8s   Ready", "w3-k8s   Ready",
            "192.168.1.10 ", "192.168.1.101", "192.168.1.102", "192.168.1.103",
        ]),
    ];
    b2_run_nginx_and_curl_its_pod: "v120" [] => [
        ("kubectl run nginx --image=nginx", &["pod/nginx created"]),
        ("@settle", &[]),
        ("kubectl get pod -o wide", &["nginx   1/1     Running   0", "10.244."]),
        ("ssh w2-k8s curl -s $(kubectl get pod nginx -o jsonpath={.status.podIP})", &["<h1>Welcome to nginx!</h1>"]),
    ];
    b3_expose_the_pod_then_delete_it: "v120" [] => [
        ("kubectl run nginx --image=nginx", &[]),
        ("@settle", &[]),
        ("kubectl expose pod nginx --type=NodePort --port=80", &["service/nginx exposed"]),
        ("kubectl get service", &["nginx        NodePort", "80:"]),
        ("@settle", &[]),
        ("PORT=$(kubectl get svc nginx -o jsonpath='{.spec.ports[0].nodePort}'); curl -s http://192.168.1.101:$PORT/", &["Welcome to nginx!"]),
        ("kubectl delete pod nginx", &["pod \"nginx\" deleted"]),
        ("@settle", &[]),
        ("kubectl get pods", &["No resources found"]),
        ("curl -s http://192.168.1.101:$PORT/", &["[exit 7]", "not: Welcome"]),
    ];
    b4_a_deployment_scaled_to_three_over_the_nodes: "v120" [] => [
        ("kubectl create deployment deploy-nginx --image=nginx", &["deployment.apps/deploy-nginx created"]),
        ("@settle", &[]),
        ("kubectl get pods", &["deploy-nginx-"]),
        ("kubectl scale deployment deploy-nginx --replicas=3", &["scaled"]),
        ("@settle", &[]),
        ("kubectl get pods -o wide --no-headers | awk '{print $7}' | sort | tr '\\n' ' '", &["w1-k8s w2-k8s w3-k8s"]),
    ];
    b5_expose_the_deployment_by_a_load_balancer: "v120" [] => [
        ("kubectl create deployment deploy-nginx --image=nginx --replicas=3", &[]),
        ("microk8s enable metallb:192.168.1.11-192.168.1.19", &["MetalLB is enabled"]),
        ("@settle", &[]),
        ("kubectl expose deployment deploy-nginx --type=LoadBalancer --port=80", &["service/deploy-nginx exposed"]),
        ("@sleep 5", &[]),
        ("kubectl get services", &["deploy-nginx   LoadBalancer", "192.168.1.11 "]),
        ("curl -s http://192.168.1.11/", &["Welcome to nginx!"]),
    ];
    b6_a_deployments_pod_comes_back_and_a_bare_one_does_not: "v120" [] => [
        ("kubectl run nginx --image=nginx", &[]),
        ("kubectl create deployment deploy-nginx --image=nginx", &[]),
        ("kubectl expose pod nginx --type=NodePort --port=80", &[]),
        ("@settle", &[]),
        ("kubectl delete service nginx", &["service \"nginx\" deleted"]),
        ("kubectl delete pod nginx", &["pod \"nginx\" deleted"]),
        ("kubectl delete pod -l app=deploy-nginx", &["deleted"]),
        ("@settle", &[]),
        ("kubectl get pods --no-headers", &["deploy-nginx-", "not: \nnginx "]),
        ("kubectl get pods --no-headers | wc -l", &["1"]),
        ("kubectl delete deployment deploy-nginx", &["deployment.apps \"deploy-nginx\" deleted"]),
        ("@settle", &[]),
        ("kubectl get pods", &["No resources found"]),
    ];
    b7_who_may_read_through_the_api_server_is_checked: "v120" [] => [
        ("kubectl get replicasets --as=system:serviceaccount:kube-system:replicaset-controller", &["No resources found in default namespace."]),
        ("kubectl get secrets --as=system:serviceaccount:kube-system:replicaset-controller", &[
            "Error from server (Forbidden): secrets is forbidden: User \"system:serviceaccount:kube-system:replicaset-controller\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\"",
        ]),
        // A change comes back by watch: the controller acts on it, and the API server stores what it does.
        ("kubectl create deployment web --image=nginx", &[]),
        ("@settle", &[]),
        ("kubectl get rs -l app=web -o yaml --show-managed-fields", &["manager: kube-controller-manager"]),
    ];
    b8_kube_proxy_by_iptables_or_by_ipvs: "v120" [] => [
        ("kubectl create deployment web --image=nginx --replicas=2", &[]),
        ("kubectl expose deployment web --port=80 --type=NodePort", &[]),
        ("@settle", &[]),
        ("ssh w1-k8s sudo iptables-save -t nat", &["default/web cluster IP", "--probability 0.50000000000"]),
        ("ssh w1-k8s sudo ipvsadm -Ln", &["IP Virtual Server", "not: ->  10."]),
        // The mode is switched as in life: by the ConfigMap, and a new start.
        ("ssh m-k8s sudo kubeadm init phase addon kube-proxy", &["Applied essential addon: kube-proxy"]),
        (
            "kubectl get cm kube-proxy -n kube-system -o yaml | sed 's/mode: \"\"/mode: ipvs/' | kubectl replace -f -",
            &["configmap/kube-proxy replaced"],
        ),
        ("ssh w1-k8s sudo ipvsadm -Ln", &["not: Masq    1"]),
        ("ssh w1-k8s sudo systemctl restart kube-proxy", &[]),
        ("@settle", &[]),
        ("ssh w1-k8s sudo ipvsadm -Ln", &["TCP  10.96.0.1:443 rr\n  -> 192.168.1.10:6443            Masq    1"]),
        ("PORT=$(kubectl get service web -o jsonpath='{.spec.ports[0].nodePort}')", &[]),
        ("for n in 1 2; do curl -s 192.168.1.101:$PORT | grep title; done", &["Welcome to nginx!"]),
        ("ssh w1-k8s sudo ipvsadm -Ln -t 192.168.1.101:$PORT", &["Masq    1      0          1"]),
        ("ssh w1-k8s ip addr show kube-ipvs0", &["inet 10.96.0.1/32 scope global kube-ipvs0"]),
        ("kubectl get events --field-selector reason=IPVSDeprecation", &["node/w1-k8s", "Please use 'nftables' instead."]),
    ];
}
