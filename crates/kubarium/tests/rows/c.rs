//! The wider tour.

use super::*;

const DATABASE: &str = "-- file db.yaml
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: nginx, volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
-- end";

const SLOW_TO_END: &str = "-- file slow.yaml
apiVersion: v1
kind: Pod
metadata: {name: slow}
spec:
  terminationGracePeriodSeconds: 30
  containers: [{name: main, image: busybox, command: [sh, -c, \"trap '' TERM; while true; do sleep 1; done\"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: quick}
spec:
  terminationGracePeriodSeconds: 30
  containers: [{name: main, image: nginx}]
-- end";

const SETTINGS: &str = "-- file settings.yaml
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  containers:
  - name: main
    image: busybox
    command: [sleep, '99999']
    env:
    - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
    - {name: WORD, valueFrom: {secretKeyRef: {name: pass, key: word}}}
    volumeMounts:
    - {name: settings, mountPath: /settings}
    - {name: pass, mountPath: /pass}
    - {name: settings, mountPath: /one, subPath: color}
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: pass, secret: {secretName: pass}}
-- end";

const VOLUMES: &str = "-- file volumes.yaml
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteMany], storageClassName: '', nfs: {server: 10.64.140.2, path: /srv}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: by-hand}
spec: {accessModes: [ReadWriteMany], storageClassName: '', resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: by-class}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}
-- end";

const WRITER: &str = "-- file writer.yaml
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  nodeName: node-1
  containers:
  - {name: one, image: busybox, command: [sleep, '9999'], volumeMounts: [{name: scratch, mountPath: /scratch}, {name: host, mountPath: /host}, {name: share, mountPath: /share}, {name: claim, mountPath: /claim}]}
  - {name: two, image: busybox, command: [sleep, '9999'], volumeMounts: [{name: scratch, mountPath: /also}]}
  volumes:
  - {name: scratch, emptyDir: {}}
  - {name: host, hostPath: {path: /var/tmp}}
  - {name: share, persistentVolumeClaim: {claimName: by-hand}}
  - {name: claim, persistentVolumeClaim: {claimName: by-class}}
-- end";

const LOADED: &str = "-- file load.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: php-apache}
spec:
  selector: {matchLabels: {run: php-apache}}
  template:
    metadata: {labels: {run: php-apache}}
    spec:
      containers:
      - {name: php-apache, image: registry.k8s.io/hpa-example, ports: [{containerPort: 80}], resources: {requests: {cpu: 200m}, limits: {cpu: 500m}}}
---
apiVersion: v1
kind: Service
metadata: {name: php-apache}
spec: {selector: {run: php-apache}, ports: [{port: 80}]}
-- end";

rows! {
    c1_api_resources: "lesson" [] => [
        ("kubectl api-resources", &["NAME", "SHORTNAMES", "APIVERSION", "deploy ", "apps/v1", "NetworkPolicy", "StorageClass"]),
        ("kubectl api-resources --namespaced=false -o name", &["nodes", "namespaces", "not: pods\n"]),
    ];
    c2_a_dry_run_writes_a_manifest: "lesson" [] => [
        ("kubectl run web --image=nginx --dry-run=client -o yaml > pod.yaml; cat pod.yaml", &["kind: Pod", "- image: nginx", "name: web"]),
        ("kubectl get pods", &["No resources found"]),
        ("kubectl create -f pod.yaml", &["pod/web created"]),
        ("kubectl create -f pod.yaml", &["Error from server (AlreadyExists): error when creating \"pod.yaml\": pods \"web\" already exists"]),
        ("kubectl apply -f pod.yaml", &["Warning: resource pods/web is missing the kubectl.kubernetes.io/last-applied-configuration annotation", "pod/web configured"]),
    ];
    c3_exec_into_a_pod_and_the_old_form: "lesson" [] => [
        ("kubectl run web --image=nginx", &[]),
        ("@settle", &[]),
        ("kubectl exec -it web -- /bin/bash -c 'hostname; id -u'", &["web\n0\n"]),
        ("kubectl exec -it web /bin/bash", &[
            "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
            "# kubarium: put -- before the command, as in: kubectl exec web -- /bin/bash",
        ]),
    ];
    c4_a_pods_address_answers: "lesson" [] => [
        ("kubectl run web --image=nginx", &[]),
        ("@settle", &[]),
        ("kubectl get pods -o wide", &["web    1/1     Running", "10.244."]),
        ("ssh node-2 curl -s $(kubectl get pod web -o jsonpath={.status.podIP})", &["Welcome to nginx!"]),
    ];
    c5_logs_and_events_of_pods_that_fail: "lesson" [] => [
        ("kubectl run big --image=nginx --overrides='{\"spec\":{\"containers\":[{\"name\":\"big\",\"image\":\"nginx\",\"resources\":{\"requests\":{\"cpu\":\"99\"}}}]}}'", &[]),
        ("kubectl run broken --image=nginx:no-such-tag", &[]),
        ("kubectl run loop --image=busybox -- sh -c 'echo no use; exit 3'", &[]),
        ("@sleep 60", &[]),
        ("kubectl get pods", &["big      0/1     Pending", "broken   0/1     ImagePullBackOff", "loop     0/1     CrashLoopBackOff   3"]),
        ("kubectl logs loop", &["no use"]),
        ("kubectl logs broken", &["is waiting to start: trying and failing to pull image"]),
        ("kubectl get events --field-selector involvedObject.name=big", &["FailedScheduling", "Insufficient cpu"]),
        ("kubectl get events --field-selector involvedObject.name=broken", &["Error: ErrImagePull", "Back-off pulling image \"nginx:no-such-tag\"", "nginx:no-such-tag: not found"]),
        ("kubectl get events --field-selector involvedObject.name=loop", &["Back-off restarting failed container loop in pod loop_default("]),
    ];
    c6_namespaces_and_the_current_one: "lesson" ["workns.yaml"] => [
        ("kubectl create namespace work", &["namespace/work created"]),
        ("kubectl apply -f workns.yaml", &["namespace/workns created"]),
        ("kubectl get ns", &["default", "work              Active", "workns            Active"]),
        ("kubectl config set-context --current --namespace=work", &["modified."]),
        ("kubectl config view | grep namespace", &["namespace: work"]),
        ("kubectl run here --image=nginx", &[]),
        ("kubectl get pods -n work -o name", &["pod/here"]),
        ("kubectl get all -o wide -n default", &["service/kubernetes   ClusterIP   10.96.0.1", "not: here"]),
    ];
    // That the page says what else is missing: `page-manifests.test.js`, and `tests/lessons.rs`.
    c7_labels_pasted_and_by_hand: "lesson" ["recommended-labels.pasted.yaml"] => [
        ("kubectl apply -f recommended-labels.pasted.yaml", &["resource name may not be empty"]),
        ("kubectl run web --image=nginx", &[]),
        ("kubectl label pod web version=0.1", &["pod/web labeled"]),
        ("kubectl label pod web version=0.2", &["error: 'version' already has a value (0.1), and --overwrite is false"]),
        ("kubectl label pod web version=0.2 --overwrite", &["pod/web labeled"]),
        ("kubectl get pods --show-labels", &["run=web,version=0.2"]),
        ("kubectl label pod web version-", &["pod/web unlabeled"]),
        ("kubectl get pods -L version", &["VERSION", "not: 0.2"]),
    ];
    c8_a_rollout_with_its_record: "lesson" ["nginx-deployment.yaml"] => [
        ("kubectl apply -f nginx-deployment.yaml", &[]),
        ("@settle", &[]),
        ("kubectl set image deployment/nginx-deployment nginx=nginx:1.16.1 --record", &["Flag --record has been deprecated", "image updated"]),
        ("@settle", &[]),
        ("kubectl rollout history deployment/nginx-deployment", &["2         kubectl set image deployment/nginx-deployment nginx=nginx:1.16.1 --record=true"]),
        ("kubectl rollout undo deployment/nginx-deployment", &["rolled back"]),
        ("@settle", &[]),
        ("kubectl get deploy nginx-deployment -o wide", &["nginx:1.14.2"]),
        ("kubectl rollout pause deployment/nginx-deployment", &["paused"]),
        ("kubectl set image deployment/nginx-deployment nginx=nginx:1.17", &["image updated"]),
        ("@settle", &[]),
        ("kubectl get rs --no-headers | wc -l", &["2"]),
        ("kubectl rollout resume deployment/nginx-deployment", &["resumed"]),
        ("@settle", &[]),
        ("kubectl rollout restart deployment/nginx-deployment", &["restarted"]),
        ("@settle", &[]),
        ("kubectl get rs --no-headers | wc -l", &["4"]),
        ("kubectl annotate deployment/nginx-deployment kubernetes.io/change-cause='by hand' --overwrite", &["annotated"]),
        ("@sleep 2", &[]),
        ("kubectl rollout history deployment/nginx-deployment", &["by hand"]),
    ];
    c9_a_stateful_sets_names_order_volumes_and_dns: "lesson" [] => [
        (DATABASE, &[]),
        ("kubectl apply -f db.yaml", &["service/db created", "statefulset.apps/db created"]),
        ("@settle", &[]),
        ("@sleep 20", &[]),
        ("kubectl get pods -l app=db --sort-by=.metadata.creationTimestamp -o name | tr '\\n' ' '", &["pod/db-0 pod/db-1 pod/db-2"]),
        // Ordered: none before the one before it is Ready.
        ("kubectl get events --field-selector reason=SuccessfulCreate -o custom-columns=M:.message", &["Create Pod db-0 in StatefulSet db successful", "Create Claim data-db-2 Pod db-2 in StatefulSet db success"]),
        ("kubectl get pvc", &["data-db-0   Bound", "data-db-1   Bound", "data-db-2   Bound"]),
        ("kubectl exec db-1 -- sh -c 'echo kept > /data/x'", &[]),
        ("kubectl delete pod db-1", &["deleted"]),
        ("@settle", &[]),
        ("kubectl exec db-1 -- sh -c 'hostname; cat /data/x'", &["db-1\nkept"]),
        ("kubectl run talk --image=busybox -- sleep 9999", &[]),
        ("@settle", &[]),
        ("kubectl exec talk -- nslookup db-2.db.default.svc.cluster.local", &["Name:\tdb-2.db.default.svc.cluster.local\nAddress: 10.244."]),
        // The headless Service's own name is all three of them.
        ("kubectl exec talk -- nslookup db.default.svc.cluster.local | grep -c 'Address: 10.244'", &["3"]),
        ("kubectl scale statefulset db --replicas=1", &["scaled"]),
        ("@sleep 60", &[]),
        ("kubectl get pods -l app=db -o name | tr '\\n' ' '", &["pod/db-0", "not: db-1"]),
        ("kubectl get pvc --no-headers | wc -l", &["3"]),
        ("kubectl scale statefulset db --replicas=2", &["scaled"]),
        ("@settle", &[]),
        ("kubectl exec db-1 -- cat /data/x", &["kept"]),
    ];
    c10_a_daemon_sets_pods_follow_taints: "lesson" ["daemonset.yaml"] => [
        ("kubectl apply -f daemonset.yaml", &["daemonset.apps/test-elasticsearch created"]),
        ("@settle", &[]),
        ("kubectl get pods -n kube-system -l name=test-elasticsearch -o custom-columns=N:.spec.nodeName --no-headers | sort | tr '\\n' ' '", &["node-1 node-2 node-3"]),
        // The control plane's taint keeps it away until it is tolerated.
        ("kubectl patch ds test-elasticsearch -n kube-system -p '{\"spec\":{\"template\":{\"spec\":{\"tolerations\":[{\"key\":\"node-role.kubernetes.io/control-plane\",\"effect\":\"NoSchedule\"}]}}}}'", &["patched"]),
        ("@sleep 200", &[]),
        ("kubectl get pods -n kube-system -l name=test-elasticsearch -o custom-columns=N:.spec.nodeName --no-headers | sort | tr '\\n' ' '", &["control-plane node-1 node-2 node-3"]),
        ("kubectl taint node node-2 dedicated=x:NoExecute", &["tainted"]),
        ("@sleep 40", &[]),
        ("kubectl get ds test-elasticsearch -n kube-system", &["3         3         3"]),
    ];
    c11_rolling_update_and_on_delete: "lesson" ["daemonset.yaml"] => [
        ("kubectl apply -f daemonset.yaml", &[]),
        ("@settle", &[]),
        ("kubectl set image ds/test-elasticsearch -n kube-system container-elasticsearch=quay.io/fluentd_elasticsearch/fluentd:v2.5.1", &["image updated"]),
        ("kubectl rollout status ds/test-elasticsearch -n kube-system", &["0 out of 3 new pods have been updated", "successfully rolled out"]),
        ("kubectl patch ds test-elasticsearch -n kube-system -p '{\"spec\":{\"updateStrategy\":{\"type\":\"OnDelete\",\"rollingUpdate\":null}}}'", &["patched"]),
        ("kubectl set image ds/test-elasticsearch -n kube-system container-elasticsearch=quay.io/fluentd_elasticsearch/fluentd:v2.5.2", &["image updated"]),
        ("@sleep 60", &[]),
        ("kubectl get ds test-elasticsearch -n kube-system", &["3         3         3       0"]),
        ("kubectl delete pod -n kube-system $(kubectl get pods -n kube-system -l name=test-elasticsearch -o name | head -1 | cut -d/ -f2)", &["deleted"]),
        ("@settle", &[]),
        ("kubectl get ds test-elasticsearch -n kube-system", &["3         3         3       1"]),
    ];
    c12_thirty_seconds_of_grace: "lesson" [] => [
        (SLOW_TO_END, &[]),
        ("kubectl apply -f slow.yaml", &[]),
        ("@settle", &[]),
        ("kubectl delete pod slow quick --wait=false", &["pod \"slow\" deleted"]),
        ("@sleep 5", &[]),
        // nginx ends at SIGTERM; who ignores it gets SIGKILL after 30 s.
        ("kubectl get pods --no-headers", &["slow   1/1   Terminating", "not: quick"]),
        ("@sleep 23", &[]),
        ("kubectl get pods --no-headers", &["slow   1/1   Terminating"]),
        ("@sleep 5", &[]),
        ("kubectl get pods", &["No resources found"]),
    ];
    c13_services_of_four_types: "lesson" ["external-ips.yaml"] => [
        ("kubectl create deployment hello-node --image=nginx", &[]),
        ("kubectl expose deployment hello-node --name=inside --port=80", &["exposed"]),
        ("kubectl expose deployment hello-node --name=ports --port=80 --type=NodePort", &["exposed"]),
        ("kubectl expose deployment hello-node --name=balanced --port=80 --type=LoadBalancer", &["exposed"]),
        ("kubectl create service externalname out --external-name inside.default.svc.cluster.local", &["service/out created"]),
        ("kubectl run talk --image=busybox -- sleep 9999", &[]),
        ("@settle", &[]),
        ("kubectl get svc", &["inside       ClusterIP", "ports        NodePort", "balanced     LoadBalancer", "out          ExternalName   <none>           inside.default.svc.cluster.local"]),
        ("kubectl exec talk -- nslookup out.default.svc.cluster.local", &["out.default.svc.cluster.local\tcanonical name = inside.default.svc.cluster.local"]),
        ("kubectl exec talk -- wget -qO- out | grep h1", &["Welcome to nginx!"]),
        ("sed -i s/8080/80/ external-ips.yaml; kubectl apply -f external-ips.yaml", &["Warning: spec.externalIPs is deprecated", "created"]),
        ("@sleep 3", &[]),
        ("kubectl get svc hello-node-svc", &["80.11.12.11"]),
        ("ssh node-1 curl -s --max-time 2 80.11.12.11", &["Welcome to nginx!"]),
    ];
    c14_a_load_balancers_address_in_words: "lesson" ["static-lb.pasted.yaml"] => [
        ("microk8s enable metallb:10.64.140.43-10.64.140.49", &["MetalLB is enabled"]),
        ("@settle", &[]),
        ("kubectl apply -f static-lb.pasted.yaml", &["service/hello-node-svc created"]),
        ("@sleep 3", &[]),
        ("kubectl get svc hello-node-svc", &["<pending>"]),
        ("kubectl describe svc hello-node-svc", &["AllocationFailed", "metallb-controller  Failed to allocate IP for \"default/hello-node-svc\": invalid spec.loadBalancerIP \"생성한 정적 IP\""]),
    ];
    c15_services_are_found_by_name: "lesson" [] => [
        ("kubectl create deployment web --image=nginx --replicas=2", &[]),
        ("kubectl expose deployment web --port=80", &[]),
        ("kubectl create service clusterip direct --clusterip=None", &[]),
        ("kubectl set selector service direct app=web", &["selector updated"]),
        ("kubectl run talk --image=busybox -- sleep 9999", &[]),
        ("@settle", &[]),
        ("IP=$(kubectl get svc web -o jsonpath={.spec.clusterIP}); kubectl exec talk -- nslookup web.default.svc.cluster.local | grep -c \"Address: $IP\"", &["1"]),
        // Server-side: one address, and rules choose. Client-side: all addresses, and the client chooses.
        ("kubectl exec talk -- nslookup direct.default.svc.cluster.local | grep -c 'Address: 10.244'", &["2"]),
        ("kubectl exec talk -- wget -qO- web | grep h1", &["Welcome to nginx!"]),
        ("kubectl exec talk -- wget -qO- direct | grep h1", &["Welcome to nginx!"]),
    ];
    c16_config_maps_and_secrets: "lesson" [] => [
        ("echo color=green > a.properties; kubectl create configmap files --from-file=a.properties", &["configmap/files created"]),
        ("kubectl get configmap files -o yaml", &["a.properties: |", "color=green"]),
        ("kubectl create configmap settings --from-literal=color=blue", &["configmap/settings created"]),
        ("kubectl create secret generic pass --from-literal=word=swordfish", &["secret/pass created"]),
        ("kubectl get secret pass -o jsonpath={.data.word} | base64 -d", &["swordfish"]),
        (SETTINGS, &[]),
        ("kubectl apply -f settings.yaml", &["pod/reader created"]),
        ("@settle", &[]),
        ("kubectl exec reader -- sh -c 'echo $COLOR $WORD; cat /settings/color /pass/word /one'", &["blue swordfish\nblueswordfishblue"]),
        ("kubectl patch configmap settings -p '{\"data\":{\"color\":\"red\"}}'", &["patched"]),
        ("kubectl exec reader -- cat /settings/color", &["blue"]),
        ("@sleep 120", &[]),
        // The volume follows; the environment and a subPath don't.
        ("kubectl exec reader -- sh -c 'cat /settings/color; echo; echo $COLOR; cat /one'", &["red\nblue\nblue"]),
    ];
    c17_volumes_of_five_kinds: "lesson" [] => [
        (VOLUMES, &[]),
        (WRITER, &[]),
        ("kubectl get storageclass", &["standard (default)"]),
        ("kubectl apply -f volumes.yaml -f writer.yaml", &["persistentvolume/by-hand created", "pod/writer created"]),
        ("@settle", &[]),
        ("kubectl get pvc", &["by-hand    Bound    by-hand", "by-class   Bound    pvc-"]),
        ("kubectl exec writer -c one -- sh -c 'for d in scratch host share claim; do echo $d > /$d/x; done'", &[]),
        ("kubectl exec writer -c two -- cat /also/x", &["scratch"]),
        ("kubectl delete pod writer --force", &["force deleted"]),
        ("@sleep 3", &[]),
        ("kubectl apply -f writer.yaml", &["pod/writer created"]),
        ("@settle", &[]),
        ("kubectl exec writer -c one -- sh -c 'cat /host/x /share/x /claim/x; ls /scratch | wc -l'", &["host\nshare\nclaim\n0"]),
        // What the class made goes with its claim; what was made by hand is kept, and is Released.
        ("kubectl delete pod writer --force", &[]),
        ("kubectl delete pvc by-hand by-class", &["deleted"]),
        ("@sleep 10", &[]),
        ("kubectl get pv", &["by-hand   1Gi        RWX            Retain           Released", "not: pvc-"]),
    ];
    c18_rights: "lesson" [] => [
        ("kubectl create role reader --verb=get,list --resource=pods", &["role.rbac.authorization.k8s.io/reader created"]),
        ("kubectl create rolebinding reader --role=reader --user=kim", &["rolebinding.rbac.authorization.k8s.io/reader created"]),
        ("kubectl auth can-i list pods --as=kim", &["yes"]),
        ("kubectl auth can-i delete pods --as=kim", &["no"]),
        ("kubectl auth can-i list pods --as=kim -n kube-system", &["no"]),
        ("kubectl get pods --as=kim", &["No resources found"]),
        ("kubectl delete pod x --as=kim", &["Error from server (Forbidden): pods \"x\" is forbidden: User \"kim\" cannot delete resource \"pods\" in API group \"\" in the namespace \"default\""]),
    ];
    c19_load_rises_and_replicas_follow: "lesson" [] => [
        (LOADED, &[]),
        ("microk8s enable metrics-server", &["Metrics-Server is enabled"]),
        ("kubectl apply -f load.yaml", &[]),
        ("kubectl autoscale deployment php-apache --cpu=50% --min=1 --max=10", &["autoscaled"]),
        ("@sleep 90", &[]),
        ("kubectl get hpa", &["cpu: 0%/50%", "1         10        1"]),
        ("kubectl run load --image=busybox --restart=Never -- sh -c 'while sleep 0.01; do wget -q -O- http://php-apache; done'", &[]),
        ("@sleep 240", &[]),
        ("[ $(kubectl get deploy php-apache -o jsonpath={.status.readyReplicas}) -gt 3 ] && echo more", &["more"]),
        ("kubectl delete pod load --force", &[]),
        // Five minutes of stabilisation, then down.
        ("@sleep 480", &[]),
        ("kubectl get deploy php-apache", &["1/1"]),
    ];
}
