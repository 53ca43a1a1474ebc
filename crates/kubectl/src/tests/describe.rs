//! Descriptions of objects.

use crate::testing::Fake;
use api::{Method, tree};

#[test]
fn describes_a_deployment() {
    let mut fake = Fake::default();
    let spec = tree!({
        "containers": [{
            "name": "echo",
            "image": "e:1",
            "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}],
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}},
            ],
            "resources": {"limits": {"memory": "200Mi"}},
            "readinessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }],
        "volumes": [{"name": "v", "emptyDir": {}}],
    });
    let object = tree!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "echo",
            "namespace": "default",
            "uid": "u",
            "creationTimestamp": "2026-01-05T09:00:00Z",
            "annotations": {"deployment.kubernetes.io/revision": "1"},
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "echo", "tier": "app"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
            "template": {"metadata": {"labels": {"app": "echo"}}, "spec": (spec)},
        },
        "status": {"replicas": 1, "conditions": [{"type": "Available", "status": "True", "reason": "R"}]},
    });
    fake.answer(Method::Get, "/apis/apps/v1/namespaces/default/deployments/echo", object);
    let event = tree!({
        "type": "Normal",
        "reason": "ScalingReplicaSet",
        "firstTimestamp": "2026-01-05T08:59:55Z",
        "lastTimestamp": "2026-01-05T08:59:55Z",
        "count": 1,
        "source": {"component": "deployment-controller"},
        "message": "Scaled up",
    });
    fake.answer(Method::Get, "/api/v1/namespaces/default/events", tree!({"items": [(event)]}));
    let (got, _) = fake.run("kubectl describe deploy echo");
    let want = "\
Name:                   echo
Namespace:              default
CreationTimestamp:      Mon, 05 Jan 2026 09:00:00 +0000
Labels:                 <none>
Annotations:            deployment.kubernetes.io/revision: 1
Selector:               app=echo,tier=app
Replicas:               1 desired | 0 updated | 1 total | 0 available | 0 unavailable
StrategyType:           RollingUpdate
MinReadySeconds:        0
RollingUpdateStrategy:  1 max unavailable, 25% max surge
Pod Template:
  Labels:  app=echo
  Containers:
   echo:
    Image:      e:1
    Port:       80/TCP (web)
    Host Port:  0/TCP (web)
    Limits:
      memory:   200Mi
    Readiness:  http-get http://:80/ delay=0s timeout=1s period=10s #success=1 #failure=3
    Environment:
      A:  1
      B:  <set to the key 'k' of config map 'cm'>  Optional: false
    Mounts:
      /v from v (rw)
  Volumes:
   v:
    Type:          EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:        
    SizeLimit:     <unset>
  Node-Selectors:  <none>
  Tolerations:     <none>
Conditions:
  Type          Status  Reason
  ----          ------  ------
  Available     True    R
Events:
  Type    Reason             Age   From                   Message
  ----    ------             ----  ----                   -------
  Normal  ScalingReplicaSet  5s    deployment-controller  Scaled up
";
    // Conditions are aligned with what stands above them where no ReplicaSets follow.
    let squeeze = |text: &str| {
        text.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    };
    assert_eq!(squeeze(&got), squeeze(want), "{got}");
    for line in want.lines().take(30) {
        assert!(got.lines().any(|other| other.trim_end() == line.trim_end()), "{line:?} in\n{got}");
    }
}
