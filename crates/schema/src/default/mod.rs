//! Sets what the user left out, as upstream's defaulting functions do.
//!
//! What is set without a condition is a row in `data/defaults.tsv`; the rest is a function here,
//! found by the name of the definition it is about.

mod apiextensions;
mod apps;
mod autoscaling;
mod batch;
mod core;
mod draft;
mod image;
mod policy;

use crate::definition::{DefinitionId, Field, Presence, Type};
use crate::{Kind, definition, table};
use api::Value;
use draft::Draft;
use std::sync::OnceLock;

/// Sets what upstream sets where the user said nothing. What needs no change stays shared.
///
/// Left out: pod-level resources, and rounding of quantities to thousandths.
// Models pkg/apis/*/v1/defaults.go
pub fn default(kind: &Kind, value: &mut Value) {
    let Some(definition) = kind.definition() else { return };
    if let Some(changed) = nodes().get(definition.index()).and_then(|node| node.visit(value)) {
        *value = changed;
    }
}

type Hook = fn(&mut Draft);

const HOOKS: &[(&str, Hook)] = &[
    ("io.k8s.api.apps.v1.DaemonSetUpdateStrategy", apps::rolling_update),
    ("io.k8s.api.apps.v1.DeploymentStrategy", apps::rolling_update),
    ("io.k8s.api.apps.v1.StatefulSetSpec", apps::claim_templates),
    ("io.k8s.api.apps.v1.StatefulSetUpdateStrategy", apps::stateful_set_strategy),
    ("io.k8s.api.autoscaling.v2.HPAScalingRules", autoscaling::scaling_rules),
    ("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior", autoscaling::behavior),
    ("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec", autoscaling::metrics),
    ("io.k8s.api.batch.v1.Job", batch::job),
    ("io.k8s.api.core.v1.Container", core::container),
    ("io.k8s.api.core.v1.EphemeralContainer", core::container),
    ("io.k8s.api.core.v1.ImageVolumeSource", core::image_volume),
    ("io.k8s.api.core.v1.LimitRangeItem", policy::limit_range_item),
    ("io.k8s.api.core.v1.Namespace", core::namespace),
    ("io.k8s.api.core.v1.NodeStatus", core::node_status),
    ("io.k8s.api.core.v1.Pod", core::pod),
    ("io.k8s.api.core.v1.ReplicationController", core::replication_controller),
    ("io.k8s.api.core.v1.Service", core::service),
    ("io.k8s.api.core.v1.ServicePort", core::service_port),
    ("io.k8s.api.core.v1.ServiceSpec", core::service_spec),
    ("io.k8s.api.core.v1.Volume", core::volume),
    ("io.k8s.api.networking.v1.NetworkPolicySpec", policy::network_policy),
    ("io.k8s.api.rbac.v1.Subject", policy::subject),
    ("io.k8s.api.resource.v1.DeviceSubRequest", policy::device_request),
    ("io.k8s.api.resource.v1.ExactDeviceRequest", policy::device_request),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec",
        apiextensions::definition_spec,
    ),
];

/// What is to be done with the values of one definition.
#[derive(Default)]
struct Node {
    rules: Vec<Rule>,
    hook: Option<Hook>,
    /// The fields below which there is something to be done.
    ways: Vec<&'static Field>,
}

struct Rule {
    field: &'static str,
    /// Whether what is empty counts as not set: without a pointer, the two are the same.
    when_empty: bool,
    value: Plain,
}

/// A value that threads may share.
enum Plain {
    Str(&'static str),
    Int(i64),
    Bool(bool),
    Words(Vec<&'static str>),
    Map,
}

fn nodes() -> &'static [Node] {
    static NODES: OnceLock<Vec<Node>> = OnceLock::new();
    NODES.get_or_init(|| {
        let mut nodes: Vec<Node> = Vec::new();
        nodes.resize_with(table::definitions().len(), Node::default);
        for (name, hook) in HOOKS {
            if let Some(definition) = definition(name) {
                nodes[definition.index()].hook = Some(*hook);
            }
        }
        for line in include_str!("../../data/defaults.tsv").lines() {
            if let Some((index, rule)) = rule(line) {
                nodes[index].rules.push(rule);
            }
        }
        find_ways(&mut nodes);
        nodes
    })
}

fn rule(line: &'static str) -> Option<(usize, Rule)> {
    let mut cells = line.split('\t');
    let definition = definition(cells.next()?)?;
    let field = definition.field(cells.next()?)?;
    let value = match cells.next()? {
        "{}" => Plain::Map,
        "false" => Plain::Bool(false),
        "true" => Plain::Bool(true),
        text if text.starts_with('[') => Plain::Words(table::words(text.trim_matches(['[', ']']))),
        text => match text.parse() {
            Ok(number) => Plain::Int(number),
            Err(_) => Plain::Str(text.trim_matches('"')),
        },
    };
    let when_empty = match field.presence {
        Presence::OmitEmpty => true,
        Presence::Always => matches!(value, Plain::Str(_)),
        _ => false,
    };
    Some((definition.index(), Rule { field: field.name, when_empty, value }))
}

/// Finds below which fields there is something to be done, until no more are found.
fn find_ways(nodes: &mut [Node]) {
    loop {
        let mut found = false;
        for (i, definition) in table::definitions().iter().enumerate() {
            let ways: Vec<&'static Field> = definition
                .fields
                .iter()
                .filter(|field| field.ty.definition().is_some_and(|d| !nodes[d.index()].is_idle()))
                .collect();
            found |= ways.len() > nodes[i].ways.len();
            nodes[i].ways = ways;
        }
        if !found {
            return;
        }
    }
}

impl Node {
    fn is_idle(&self) -> bool {
        self.rules.is_empty() && self.hook.is_none() && self.ways.is_empty()
    }

    /// Returns the value with its defaults; `None` where it has them.
    fn visit(&self, value: &Value) -> Option<Value> {
        let mut draft = Draft::new(value.as_map()?);
        for rule in &self.rules {
            let given = draft.get(rule.field);
            if given.is_null() || rule.when_empty && given.is_empty() {
                draft.set(rule.field, rule.value.to_value());
            }
        }
        if let Some(hook) = self.hook {
            hook(&mut draft);
        }
        for field in &self.ways {
            if let Some(changed) = visit(&field.ty, draft.get(field.name)) {
                draft.set(field.name, changed);
            }
        }
        draft.changed()
    }
}

fn visit(ty: &Type, value: &Value) -> Option<Value> {
    match ty {
        Type::Ref(DefinitionId(id)) => nodes().get(usize::from(*id))?.visit(value),
        Type::List(items) => draft::each(value, |item| visit(items, item)),
        Type::Map(values) => {
            let map = value.as_map()?;
            let mut draft = Draft::new(map);
            for (key, value) in map.iter() {
                if let Some(changed) = visit(values, value) {
                    draft.set(key, changed);
                }
            }
            draft.changed()
        }
        _ => None,
    }
}

impl Plain {
    fn to_value(&self) -> Value {
        match self {
            Plain::Str(text) => (*text).into(),
            Plain::Int(number) => (*number).into(),
            Plain::Bool(truth) => (*truth).into(),
            Plain::Words(words) => words.iter().map(|word| Value::from(*word)).collect(),
            Plain::Map => Value::map(),
        }
    }
}

#[cfg(test)]
mod tests;
