//! `kubectl autoscale`
// Models staging/src/k8s.io/kubectl/pkg/cmd/autoscale/autoscale.go

use crate::builder::{self, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Outcome, error};
use crate::mapper;
use crate::printers::print_result;
use api::{Value, tree};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    let (min, max) = (flags.int("min"), flags.int("max"));
    if max < 1 {
        return error(format!("--max=MAXPODS is required and must be at least 1, max: {max}"));
    }
    if max < min {
        return error(format!(
            "--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}"
        ));
    }
    let infos = builder::objects(cx, &flags.args, Take::default())?;
    for info in infos {
        if !matches!(
            info.mapping.kind.as_str(),
            "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController"
        ) {
            let m = &info.mapping;
            return error(format!(
                "cannot autoscale a {}: could not find scale subresource for {}/{}, Resource={} in discovery information",
                m.kind, m.group, m.version, m.plural
            ));
        }
        let name = match flags.text("name") {
            "" => info.name.clone(),
            name => name.to_string(),
        };
        let mut spec = tree!({
            "maxReplicas": (max),
            "scaleTargetRef": {
                "apiVersion": (info.mapping.api_version()),
                "kind": (&info.mapping.kind),
                "name": (&info.name),
            },
        });
        if min > 0 {
            spec.set(&["minReplicas"], min);
        }
        let metrics = metrics(cx)?;
        if metrics.is_empty() {
            return error(
                "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input",
            );
        }
        spec.set(&["metrics"], metrics);
        let object = tree!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": (name)},
            "spec": (spec),
            "status": {"currentMetrics": null, "desiredReplicas": 0},
        });
        let shown = if dry_run == DryRun::Client {
            object
        } else {
            let mapping = mapper::of_kind(cx, "autoscaling", "v2", "HorizontalPodAutoscaler")?;
            cx.create(&mapping, &info.namespace, object, dry_run, "kubectl-autoscale")?
        };
        print_result(cx, &shown, "autoscaled", dry_run)?;
    }
    Ok(Next::Done)
}

fn metrics(cx: &Cx) -> Outcome<Vec<Value>> {
    let flags = cx.args();
    let mut metrics = Vec::new();
    if flags.int("cpu-percent") >= 0 {
        metrics.push(resource(
            "cpu",
            tree!({"averageUtilization": (flags.int("cpu-percent")), "type": "Utilization"}),
        ));
    }
    for name in ["cpu", "memory"] {
        let text = flags.text(name);
        if text.is_empty() {
            continue;
        }
        let target = match text.strip_suffix('%') {
            Some(percent) => match percent.parse::<i64>() {
                Ok(percent) => tree!({"averageUtilization": (percent), "type": "Utilization"}),
                Err(_) => return error(format!("invalid {name} value: {text}")),
            },
            None => tree!({"averageValue": text, "type": "AverageValue"}),
        };
        metrics.push(resource(name, target));
    }
    Ok(metrics)
}

fn resource(name: &str, target: Value) -> Value {
    tree!({"resource": {"name": name, "target": (target)}, "type": "Resource"})
}
