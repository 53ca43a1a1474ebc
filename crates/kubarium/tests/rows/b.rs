//! First steps.

use super::*;

rows! {
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
