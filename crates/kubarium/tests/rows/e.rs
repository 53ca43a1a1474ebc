//! Rollout in slow motion.

use super::*;

/// Two controllers of the old kind, and the Service in front of them.
const CONTROLLERS: &str = "-- file rc.yaml
apiVersion: v1
kind: ReplicationController
metadata: {name: hello-v1}
spec:
  replicas: 3
  selector: {app: hello, version: v1}
  template:
    metadata: {labels: {app: hello, version: v1}}
    spec: {containers: [{name: hello, image: 'gcr.io/terrycho-sandbox/deployment:v1'}]}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: hello-v2}
spec:
  replicas: 0
  selector: {app: hello, version: v2}
  template:
    metadata: {labels: {app: hello, version: v2}}
    spec: {containers: [{name: hello, image: 'gcr.io/terrycho-sandbox/deployment:v2'}]}
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec: {selector: {app: hello}, ports: [{port: 80, targetPort: 8080}]}
-- end";

const PASTES: [&str; 2] = ["hello-deployment.pasted.yaml", "hello-deployment-service.pasted.yaml"];

/// What the page makes of the two pastes, by one click each.
const MENDED: &str = "for f in hello-deployment hello-deployment-service; do sed 's/\u{a0}/ /g; s#apps/v1beta2#apps/v1#' $f.pasted.yaml > $f.yaml; done; kubectl apply -f hello-deployment.yaml -f hello-deployment-service.yaml";

const BLUE_GREEN: &str = "-- file service.yaml
apiVersion: v1
kind: Service
metadata: {name: hello}
spec: {selector: {app: hello, color: blue}, ports: [{port: 80, targetPort: 8080}]}
-- end";

rows! {
    e1_two_controllers_up_and_down_by_hand: "lesson" [] => [
        (CONTROLLERS, &[]),
        ("kubectl apply -f rc.yaml", &["replicationcontroller/hello-v1 created"]),
        ("@settle", &[]),
        ("kubectl get rc", &["hello-v1   3         3         3", "hello-v2   0         0         0"]),
        ("for i in 1 2 3; do kubectl scale rc hello-v2 --replicas=$i; sleep 5; kubectl scale rc hello-v1 --replicas=$((3-i)); done", &["replicationcontroller/hello-v2 scaled"]),
        ("@sleep 40", &[]),
        ("kubectl get rc", &["hello-v1   0         0         0", "hello-v2   3         3         3"]),
        ("ssh node-1 curl -s $(kubectl get svc hello -o jsonpath={.spec.clusterIP})", &["Server version 2"]),
        // Why Deployments exist: nothing remembers what was, and nothing leads back.
        ("kubectl rollout history rc/hello-v2", &["error: no history viewer has been implemented for {\"\" \"ReplicationController\"}"]),
        ("kubectl rollout undo rc/hello-v2", &["error: no rollbacker has been implemented for \"ReplicationController\""]),
    ];
    // That the page explains each and mends the paste on one click: `page-manifests.test.js`, `tests/lessons.rs`.
    e2_the_pastes_and_what_is_wrong_with_them: "lesson" PASTES => [
        ("kubectl apply -f hello-deployment-service.pasted.yaml", &["resource name may not be empty"]),
        ("kubectl apply -f hello-deployment.pasted.yaml", &["resource mapping not found for name: \"\" namespace: \"\"", "no matches for kind \"Deployment\" in version \"apps/v1beta2\""]),
        ("sed 's/\u{a0}/ /g' hello-deployment.pasted.yaml > spaces.yaml; kubectl apply -f spaces.yaml", &["resource mapping not found for name: \"hello-deployment\"", "no matches for kind \"Deployment\" in version \"apps/v1beta2\"", "ensure CRDs are installed first"]),
        (MENDED, &["deployment.apps/hello-deployment created", "service/hello-deployment-svc created"]),
        ("@settle", &[]),
        ("@sleep 6", &[]),
        ("kubectl get deploy hello-deployment", &["3/3     3            3"]),
        ("kubectl get svc hello-deployment-svc", &["LoadBalancer"]),
    ];
    e3_the_service_in_a_loop: "lesson" PASTES => [
        (MENDED, &[]),
        ("microk8s enable metallb:10.64.140.43-10.64.140.49 > /dev/null", &[]),
        ("@settle", &[]),
        ("@sleep 6", &[]),
        ("for i in 1 2 3; do curl -s 10.64.140.43; done", &["Hello World! I'm Server version 1 hello-deployment-"]),
        ("for i in $(seq 30); do curl -s 10.64.140.43; done | sort -u | wc -l", &["3"]),
    ];
    e4_one_by_one_and_no_request_lost: "lesson" PASTES => [
        (MENDED, &[]),
        ("microk8s enable metallb:10.64.140.43-10.64.140.49 > /dev/null", &[]),
        ("@settle", &[]),
        ("@sleep 6", &[]),
        ("for i in $(seq 1 300); do curl -s -S --max-time 2 10.64.140.43 || echo LOST; sleep 0.2; done > answers.txt 2>&1 &", &[]),
        ("kubectl set image deployment hello-deployment hello-deployment=gcr.io/terrycho-sandbox/deployment:v2", &["image updated"]),
        ("@sleep 4", &[]),
        ("kubectl get pods --no-headers | grep -c Running", &["4"]),
        ("@sleep 80", &[]),
        ("grep -c LOST answers.txt; grep -vc version answers.txt; wc -l < answers.txt", &["0\n0\n300"]),
        ("head -1 answers.txt; tail -1 answers.txt", &["version 1", "version 2"]),
        // One at a time, each some 5 s after the one before it (minReadySeconds).
        (
            "kubectl get events --field-selector reason=ScalingReplicaSet --sort-by=.metadata.creationTimestamp -o custom-columns=M:.message --no-headers | sed 's/Scaled \\(.*\\) replica set .* from/\\1/' | tr '\\n' ','",
            &["up 0 to 3,up 0 to 1,down 3 to 2,up 1 to 2,down 2 to 1,up 2 to 3,down 1 to 0,"],
        ),
    ];
    e5_describe_tells_the_replica_sets_steps: "lesson" PASTES => [
        (MENDED, &[]),
        ("@settle", &[]),
        ("@sleep 6", &[]),
        ("kubectl set image deployment hello-deployment hello-deployment=gcr.io/terrycho-sandbox/deployment:v2", &[]),
        ("@sleep 80", &[]),
        ("kubectl describe deploy hello-deployment", &["from 0 to 3", "from 3 to 2", "from 1 to 0", "from 2 to 3", "(0/0 replicas created)", "(3/3 replicas created)"]),
        ("kubectl get pods -o name | grep -cE 'hello-deployment-[bcdf0-9]+-[bcdfghjklmnpqrstvwxz2456789]{5}$'", &["3"]),
    ];
    e6_edit_replace_and_patch_start_rollouts: "lesson" PASTES => [
        (MENDED, &[]),
        ("@settle", &[]),
        // On the page an editor opens, and saving applies: `page-editor.test.js`.
        ("KUBE_EDITOR='sed -i s/deployment:v1/deployment:v2/' kubectl edit deploy hello-deployment", &["deployment.apps/hello-deployment edited"]),
        ("@sleep 60", &[]),
        ("kubectl get deploy hello-deployment -o wide", &["deployment:v2"]),
        ("kubectl replace -f hello-deployment.yaml", &["deployment.apps/hello-deployment replaced"]),
        ("@sleep 60", &[]),
        ("kubectl patch deployment hello-deployment --patch $'spec:\\n template:\\n  spec:\\n   containers:\\n   - name: hello-deployment\\n     image: gcr.io/terrycho-sandbox/deployment:v2'", &["patched"]),
        ("@sleep 60", &[]),
        ("kubectl patch deployment hello-deployment --patch '{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"a\":\"b\"}}}}}'", &["patched"]),
        ("@sleep 60", &[]),
        ("kubectl rollout history deployment/hello-deployment", &["3         <none>\n4         <none>\n5         <none>"]),
        ("kubectl get rs --no-headers | wc -l", &["3"]),
    ];
    e7_history_undo_and_its_limit: "lesson" PASTES => [
        (MENDED, &[]),
        ("@settle", &[]),
        ("for v in v2 v1 v2; do kubectl set image deployment hello-deployment hello-deployment=gcr.io/terrycho-sandbox/deployment:$v; sleep 60; done", &["image updated"]),
        ("kubectl rollout history deployment/hello-deployment", &["REVISION  CHANGE-CAUSE\n3         <none>\n4         <none>"]),
        ("kubectl rollout undo deployment hello-deployment --to-revision=3", &["rolled back"]),
        ("@sleep 60", &[]),
        ("kubectl get deploy hello-deployment -o wide", &["deployment:v1"]),
        ("kubectl rollout undo deployment hello-deployment --to-revision=1", &["error: unable to find specified revision 1 in history"]),
        ("kubectl patch deployment hello-deployment -p '{\"spec\":{\"revisionHistoryLimit\":0}}'", &["patched"]),
        ("@sleep 5", &[]),
        ("kubectl get rs --no-headers | wc -l", &["1"]),
        ("kubectl rollout undo deployment hello-deployment", &["error: no rollout history found for deployment \"hello-deployment\""]),
    ];
    e8_blue_green_and_canary: "lesson" [] => [
        ("for c in blue:v1 green:v2; do kubectl create deployment ${c%:*} --image=gcr.io/terrycho-sandbox/deployment:${c#*:} --replicas=3 --dry-run=client -o yaml | sed \"s/app: ${c%:*}/app: hello\\n        color: ${c%:*}/\" > ${c%:*}.yaml; done", &[]),
        ("for c in blue green; do kubectl create deployment $c --image=x --dry-run=client -o name; done", &["deployment.apps/blue", "deployment.apps/green"]),
        (BLUE_GREEN, &[]),
        ("kubectl apply -f service.yaml", &["service/hello created"]),
        ("for c in blue:v1 green:v2; do kubectl create deployment ${c%:*} --image=gcr.io/terrycho-sandbox/deployment:${c#*:} --replicas=3; kubectl patch deployment ${c%:*} -p '{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"color\":\"'${c%:*}'\"}}}}}'; done", &["deployment.apps/blue created", "deployment.apps/green patched"]),
        ("kubectl patch service hello --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/selector\",\"value\":{\"color\":\"blue\"}}]'", &["patched"]),
        ("@sleep 60", &[]),
        ("IP=$(kubectl get svc hello -o jsonpath={.spec.clusterIP}); ask() { for i in $(seq 40); do ssh node-1 curl -s $IP; done | grep -o 'version .' | sort | uniq -c | tr -s ' '; }", &[]),
        ("ask", &[" 40 version 1", "not: version 2"]),
        // Blue to green at once, by the selector.
        ("kubectl patch service hello -p '{\"spec\":{\"selector\":{\"color\":\"green\"}}}'", &["patched"]),
        ("@sleep 3", &[]),
        ("ask", &[" 40 version 2", "not: version 1"]),
        // Canary: both behind one Service, a few of the new.
        ("kubectl scale deployment green --replicas=1", &["scaled"]),
        ("for c in blue green; do kubectl patch deployment $c -p '{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"all\":\"hello\"}}}}}'; done", &["patched"]),
        ("kubectl patch service hello --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/selector\",\"value\":{\"all\":\"hello\"}}]'", &["patched"]),
        ("@sleep 60", &[]),
        ("ask", &["version 1", "version 2"]),
    ];
    e9_an_image_without_a_tag: "lesson" [] => [
        ("kubectl run untagged --image=nginx; kubectl run latest --image=nginx:latest; kubectl run tagged --image=nginx:1.25", &[]),
        ("kubectl get pods -o custom-columns=N:.metadata.name,P:.spec.containers[0].imagePullPolicy --no-headers", &["latest     Always", "tagged     IfNotPresent", "untagged   Always"]),
        ("@settle", &[]),
        ("kubectl run again --image=nginx:1.25 --overrides='{\"spec\":{\"nodeName\":\"'$(kubectl get pod tagged -o jsonpath={.spec.nodeName})'\"}}'", &[]),
        ("@settle", &[]),
        ("kubectl describe pod again", &["Container image \"nginx:1.25\" already present on machine"]),
        ("kubectl describe pod untagged", &["Pulling image \"nginx\"", "Successfully pulled image \"nginx\""]),
    ];
}
