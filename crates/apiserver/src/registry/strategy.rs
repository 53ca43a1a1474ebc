//! The table of strategies.
// Models staging/src/k8s.io/apiserver/pkg/registry/rest/create.go RESTCreateStrategy

use super::{apiextensions, apps, batch, core, further, service, warnings};
use crate::validation::core::{limit_range, objects, persistent, pod, quota, service as service_rules};
use crate::validation::{
    Errors, apiextensions as apiextensions_rules, apps as apps_rules, batch as batch_rules, meta, others,
};
use api::Value;
use sim::Time;

/// What becomes of an object's dependents when nobody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GarbageCollection {
    /// They are collected.
    Delete,
    /// They stay.
    Orphan,
    /// It has none, and finalizers for them are never set.
    Unsupported,
}

/// How the objects of one resource are handled.
pub(crate) struct Strategy {
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
    /// Sets what the server sets in a new object. The uid and the times are there already.
    pub(crate) prepare_create: fn(&mut Value, Time),
    /// Sets what the server sets in a changed object: (new, old).
    pub(crate) prepare_update: fn(&mut Value, &Value),
    /// Sets what the server sets in an object whose status is written: (new, old).
    pub(crate) prepare_status: fn(&mut Value, &Value),
    pub(crate) validate: fn(&Value, &mut Errors),
    pub(crate) validate_update: fn(&Value, &Value, &mut Errors),
    /// Whether a changed object is also validated as a new one is.
    pub(crate) revalidates: bool,
    pub(crate) validate_status: fn(&Value, &Value, &mut Errors),
    /// What the user is warned of: (new, old or null).
    pub(crate) warnings: fn(&Value, &Value, &mut Vec<String>),
    /// What a user is warned of who uses the resource at all.
    pub(crate) deprecated: &'static str,
    /// The status of a new object; `None` where a given one stays.
    pub(crate) new_status: Option<fn(&Value) -> Value>,
    /// Whether the status is kept apart from writes of the rest.
    pub(crate) resets_status: bool,
    /// Whether `metadata.generation` counts the changes of the spec.
    pub(crate) counts_generations: bool,
    /// Whether an object may be replaced by one without a resource version.
    pub(crate) unconditional_update: bool,
    /// Whether replacing what isn't there creates it.
    pub(crate) create_on_update: bool,
    /// Whether a deletion answers with the object.
    pub(crate) returns_deleted: bool,
    /// What becomes of dependents when nobody says.
    pub(crate) dependents: GarbageCollection,
}

/// What most resources in namespaces have.
pub(super) const BASE: Strategy = Strategy {
    group: "",
    plural: "",
    prepare_create: |_, _| {},
    prepare_update: |_, _| {},
    prepare_status: |_, _| {},
    validate: others::validate_namespaced,
    validate_update: others::validate_metadata_update,
    revalidates: false,
    validate_status: others::validate_metadata_update,
    warnings: |_, _, _| {},
    deprecated: "",
    new_status: Some(|_| Value::map()),
    resets_status: true,
    counts_generations: false,
    unconditional_update: true,
    create_on_update: false,
    returns_deleted: false,
    dependents: GarbageCollection::Delete,
};

/// What most resources of the cluster have.
pub(super) const CLUSTER_WIDE: Strategy = Strategy { validate: others::validate_cluster_wide, ..BASE };

/// Custom resources: what is particular to one of them stands in its `Custom`.
const CUSTOM: Strategy = Strategy {
    validate: apiextensions_rules::validate_namespaced,
    validate_update: meta::validate_any_update,
    validate_status: meta::validate_any_update,
    new_status: None,
    resets_status: false,
    unconditional_update: false,
    ..BASE
};
const CUSTOM_CLUSTER_WIDE: Strategy =
    Strategy { validate: apiextensions_rules::validate_cluster_wide, ..CUSTOM };

const STRATEGIES: &[Strategy] = &[
    Strategy {
        plural: "pods",
        prepare_create: core::prepare_pod,
        prepare_update: core::update_pod,
        prepare_status: core::update_pod_status,
        validate: pod::validate,
        validate_update: pod::validate_update,
        validate_status: pod::validate_status_update,
        warnings: warnings::pod,
        new_status: Some(core::new_pod_status),
        counts_generations: true,
        returns_deleted: true,
        ..BASE
    },
    Strategy {
        plural: "services",
        prepare_create: |_, _| {},
        prepare_update: service::prepare_update,
        validate: service_rules::validate,
        validate_update: service_rules::validate_update,
        validate_status: service_rules::validate_status_update,
        warnings: warnings::service,
        new_status: Some(|_| api::tree!({"loadBalancer": {}})),
        returns_deleted: true,
        ..BASE
    },
    Strategy {
        plural: "nodes",
        validate: objects::validate_node,
        validate_update: objects::validate_node_update,
        validate_status: objects::validate_node_update,
        new_status: None,
        ..CLUSTER_WIDE
    },
    Strategy {
        plural: "namespaces",
        prepare_create: core::prepare_namespace,
        prepare_update: core::update_namespace,
        validate: objects::validate_namespace,
        validate_update: objects::validate_namespace_update,
        new_status: Some(|_| api::tree!({"phase": "Active"})),
        ..CLUSTER_WIDE
    },
    Strategy {
        plural: "configmaps",
        validate: objects::validate_config_map,
        validate_update: objects::validate_config_map_update,
        ..BASE
    },
    Strategy {
        plural: "secrets",
        prepare_create: core::prepare_secret,
        prepare_update: core::update_secret,
        validate: objects::validate_secret,
        validate_update: objects::validate_secret_update,
        ..BASE
    },
    Strategy {
        plural: "serviceaccounts",
        validate: objects::validate_service_account,
        returns_deleted: true,
        ..BASE
    },
    Strategy {
        plural: "endpoints",
        validate: objects::validate_endpoints,
        revalidates: true,
        deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        create_on_update: true,
        ..BASE
    },
    Strategy {
        plural: "events",
        validate: objects::validate_event,
        create_on_update: true,
        dependents: GarbageCollection::Unsupported,
        ..BASE
    },
    Strategy {
        group: "events.k8s.io",
        plural: "events",
        validate: objects::validate_event,
        create_on_update: true,
        dependents: GarbageCollection::Unsupported,
        ..BASE
    },
    Strategy {
        plural: "replicationcontrollers",
        validate: objects::validate_replication_controller,
        validate_update: objects::validate_replication_controller_update,
        warnings: warnings::template_owner,
        counts_generations: true,
        dependents: GarbageCollection::Orphan,
        ..BASE
    },
    Strategy {
        plural: "persistentvolumeclaims",
        prepare_create: core::prepare_claim,
        validate: persistent::validate_claim,
        validate_update: persistent::validate_claim_update,
        new_status: Some(|_| api::tree!({"phase": "Pending"})),
        returns_deleted: true,
        ..BASE
    },
    Strategy {
        plural: "persistentvolumes",
        validate: persistent::validate_volume,
        validate_update: persistent::validate_volume_update,
        new_status: Some(|_| api::tree!({"phase": "Pending"})),
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        plural: "resourcequotas",
        validate: quota::validate,
        validate_update: quota::validate_update,
        revalidates: true,
        returns_deleted: true,
        ..BASE
    },
    Strategy {
        plural: "limitranges",
        validate: limit_range::validate,
        validate_update: limit_range::validate_update,
        create_on_update: true,
        ..BASE
    },
    Strategy {
        plural: "podtemplates",
        validate: objects::validate_pod_template,
        validate_update: objects::validate_pod_template_update,
        counts_generations: true,
        create_on_update: true,
        returns_deleted: true,
        ..BASE
    },
    Strategy {
        group: "apps",
        plural: "deployments",
        prepare_update: apps::update_deployment,
        validate: apps_rules::validate_deployment,
        validate_update: apps_rules::validate_deployment_update,
        validate_status: apps_rules::validate_deployment_status_update,
        warnings: warnings::template_owner,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "apps",
        plural: "replicasets",
        validate: apps_rules::validate_replica_set,
        validate_update: apps_rules::validate_replica_set_update,
        validate_status: apps_rules::validate_replica_set_status_update,
        warnings: warnings::template_owner,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "apps",
        plural: "statefulsets",
        validate: apps_rules::validate_stateful_set,
        validate_update: apps_rules::validate_stateful_set_update,
        warnings: warnings::template_owner,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "apps",
        plural: "daemonsets",
        prepare_create: apps::prepare_daemon_set,
        prepare_update: apps::update_daemon_set,
        validate: apps_rules::validate_daemon_set,
        validate_update: apps_rules::validate_daemon_set_update,
        warnings: warnings::template_owner,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "apps",
        plural: "controllerrevisions",
        validate: apps_rules::validate_controller_revision,
        validate_update: apps_rules::validate_controller_revision_update,
        ..BASE
    },
    Strategy {
        group: "batch",
        plural: "jobs",
        prepare_create: batch::prepare_job,
        validate: batch_rules::validate_job,
        validate_update: batch_rules::validate_job_update,
        warnings: warnings::template_owner,
        counts_generations: true,
        dependents: GarbageCollection::Orphan,
        ..BASE
    },
    Strategy {
        group: "batch",
        plural: "cronjobs",
        validate: batch_rules::validate_cron_job,
        validate_update: batch_rules::validate_cron_job_update,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "discovery.k8s.io",
        plural: "endpointslices",
        prepare_update: core::update_endpoint_slice,
        validate: objects::validate_endpoint_slice,
        validate_update: objects::validate_endpoint_slice_update,
        counts_generations: true,
        unconditional_update: true,
        ..BASE
    },
    Strategy {
        group: "coordination.k8s.io",
        plural: "leases",
        validate: others::validate_lease,
        revalidates: true,
        create_on_update: true,
        unconditional_update: false,
        ..BASE
    },
    Strategy {
        group: "policy",
        plural: "poddisruptionbudgets",
        validate: others::validate_disruption_budget,
        validate_update: others::validate_disruption_budget_update,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "rbac.authorization.k8s.io",
        plural: "roles",
        validate: others::validate_role,
        create_on_update: true,
        ..BASE
    },
    Strategy {
        group: "rbac.authorization.k8s.io",
        plural: "clusterroles",
        validate: others::validate_cluster_role,
        create_on_update: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "rbac.authorization.k8s.io",
        plural: "rolebindings",
        validate: others::validate_role_binding,
        validate_update: others::validate_role_binding_update,
        create_on_update: true,
        ..BASE
    },
    Strategy {
        group: "rbac.authorization.k8s.io",
        plural: "clusterrolebindings",
        validate: others::validate_cluster_role_binding,
        validate_update: others::validate_role_binding_update,
        create_on_update: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "apiextensions.k8s.io",
        plural: "customresourcedefinitions",
        prepare_update: apiextensions::update_definition,
        validate: apiextensions_rules::validate,
        validate_update: apiextensions_rules::validate_update,
        validate_status: meta::validate_any_update,
        warnings: apiextensions::warnings,
        new_status: Some(apiextensions::new_status),
        counts_generations: true,
        unconditional_update: false,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "scheduling.k8s.io",
        plural: "priorityclasses",
        prepare_create: |class, _| class.set(&["metadata", "generation"], 1),
        validate: others::validate_priority_class,
        validate_update: others::validate_priority_class_update,
        ..CLUSTER_WIDE
    },
];

/// Returns how custom resources are handled.
pub(crate) fn custom(namespaced: bool) -> &'static Strategy {
    const NAMESPACED: &Strategy = &CUSTOM;
    const CLUSTER: &Strategy = &CUSTOM_CLUSTER_WIDE;
    if namespaced { NAMESPACED } else { CLUSTER }
}

/// Returns how a resource's objects are handled.
pub(crate) fn find(group: &str, plural: &str, namespaced: bool) -> &'static Strategy {
    const NAMESPACED_DEFAULT: &Strategy = &BASE;
    const CLUSTER_DEFAULT: &Strategy = &CLUSTER_WIDE;
    let own = STRATEGIES
        .iter()
        .chain(further::STRATEGIES)
        .find(|strategy| strategy.plural == plural && strategy.group == group);
    own.unwrap_or(if namespaced { NAMESPACED_DEFAULT } else { CLUSTER_DEFAULT })
}
