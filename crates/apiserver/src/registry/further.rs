//! The strategies of what stands around workloads: networks, storage, and what is plugged into the server.

use super::strategy::{BASE, CLUSTER_WIDE, Strategy};
use crate::validation::{autoscaling, certificates, extensions, flow_control, networking, policies, storage};
use api::{Value, meta, tree};

/// Begins to count the changes of an object without a spec of its own.
const FIRST_GENERATION: fn(&mut Value, sim::Time) = |object, _| object.set(&["metadata", "generation"], 1);

/// Says that an APIService of the server's own groups is there.
// Models staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper/helpers.go NewLocalAvailableAPIServiceCondition
fn api_service_status(service: &Value) -> Value {
    if !service["spec"]["service"].is_null() {
        return Value::map();
    }
    tree!({"conditions": [{
        "type": "Available",
        "status": "True",
        "lastTransitionTime": (&service["metadata"]["creationTimestamp"]),
        "reason": "Local",
        "message": "Local APIServices are always available",
    }]})
}

/// Says that a range is ready.
// Models pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go syncStatus, pkg/controller/servicecidrs/servicecidrs_controller.go sync
fn service_cidr_status(range: &Value) -> Value {
    let message = match meta::name(range) {
        "kubernetes" => "Kubernetes default Service CIDR is ready",
        _ => "Kubernetes Service CIDR is ready",
    };
    tree!({"conditions": [{
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": (&range["metadata"]["creationTimestamp"]),
        "reason": "",
        "message": message,
    }]})
}

/// Counts the changes of webhooks, which have no spec.
// Models pkg/registry/admissionregistration/validatingwebhookconfiguration/strategy.go PrepareForUpdate
fn count_webhooks(new: &mut Value, old: &Value) {
    let changed = !crate::validation::semantic_equal(&new["webhooks"], &old["webhooks"]);
    new.set(&["metadata", "generation"], meta::generation(old) + i64::from(changed));
}

/// Keeps what was asked for, which nobody may change.
// Models pkg/registry/certificates/certificates/strategy.go PrepareForUpdate
fn keep_request(new: &mut Value, old: &Value) {
    new.set(&["spec"], &old["spec"]);
}

pub(super) const STRATEGIES: &[Strategy] = &[
    Strategy {
        group: "autoscaling",
        plural: "horizontalpodautoscalers",
        validate: autoscaling::validate_autoscaler,
        validate_update: autoscaling::validate_autoscaler_update,
        ..BASE
    },
    Strategy {
        group: "networking.k8s.io",
        plural: "ingresses",
        validate: networking::validate_ingress,
        validate_update: networking::validate_ingress_update,
        counts_generations: true,
        new_status: Some(|_| tree!({"loadBalancer": {}})),
        warnings: |new, _, warnings| {
            if !new["metadata"]["annotations"]["kubernetes.io/ingress.class"].is_null() {
                let text = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use \
                            'spec.ingressClassName' instead";
                warnings.push(text.to_string());
            }
        },
        ..BASE
    },
    Strategy {
        group: "networking.k8s.io",
        plural: "ingressclasses",
        validate: networking::validate_ingress_class,
        validate_update: networking::validate_ingress_class_update,
        counts_generations: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "networking.k8s.io",
        plural: "networkpolicies",
        validate: networking::validate_network_policy,
        validate_update: networking::validate_network_policy_update,
        counts_generations: true,
        ..BASE
    },
    Strategy {
        group: "networking.k8s.io",
        plural: "ipaddresses",
        validate: networking::validate_ip_address,
        validate_update: networking::validate_ip_address_update,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "networking.k8s.io",
        plural: "servicecidrs",
        validate: networking::validate_service_cidr,
        validate_update: networking::validate_service_cidr_update,
        new_status: Some(service_cidr_status),
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "storage.k8s.io",
        plural: "storageclasses",
        validate: storage::validate_storage_class,
        validate_update: storage::validate_storage_class_update,
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "storage.k8s.io",
        plural: "volumeattributesclasses",
        validate: storage::validate_attributes_class,
        validate_update: storage::validate_attributes_class_update,
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "storage.k8s.io",
        plural: "csidrivers",
        validate: storage::validate_csi_driver,
        validate_update: storage::validate_csi_driver_update,
        counts_generations: true,
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "storage.k8s.io",
        plural: "csinodes",
        validate: storage::validate_csi_node,
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "storage.k8s.io",
        plural: "csistoragecapacities",
        validate: storage::validate_storage_capacity,
        unconditional_update: false,
        ..BASE
    },
    Strategy {
        group: "storage.k8s.io",
        plural: "volumeattachments",
        validate: storage::validate_attachment,
        validate_update: storage::validate_attachment_update,
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "certificates.k8s.io",
        plural: "certificatesigningrequests",
        prepare_update: keep_request,
        prepare_status: keep_request,
        validate: certificates::validate_request,
        validate_update: certificates::validate_request_update,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "flowcontrol.apiserver.k8s.io",
        plural: "flowschemas",
        validate: flow_control::validate_flow_schema,
        revalidates: true,
        counts_generations: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "flowcontrol.apiserver.k8s.io",
        plural: "prioritylevelconfigurations",
        validate: flow_control::validate_priority_level,
        revalidates: true,
        counts_generations: true,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "apiregistration.k8s.io",
        plural: "apiservices",
        validate: extensions::validate_api_service,
        validate_update: extensions::validate_api_service_update,
        new_status: Some(api_service_status),
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "node.k8s.io",
        plural: "runtimeclasses",
        validate: extensions::validate_runtime_class,
        validate_update: extensions::validate_runtime_class_update,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "admissionregistration.k8s.io",
        plural: "validatingwebhookconfigurations",
        prepare_create: FIRST_GENERATION,
        prepare_update: count_webhooks,
        validate: extensions::validate_webhooks,
        validate_update: extensions::validate_webhooks_update,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "admissionregistration.k8s.io",
        plural: "mutatingwebhookconfigurations",
        prepare_create: FIRST_GENERATION,
        prepare_update: count_webhooks,
        validate: extensions::validate_webhooks,
        validate_update: extensions::validate_webhooks_update,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "admissionregistration.k8s.io",
        plural: "validatingadmissionpolicies",
        counts_generations: true,
        validate: policies::validate_policy,
        validate_update: policies::validate_policy_update,
        ..CLUSTER_WIDE
    },
    Strategy {
        group: "admissionregistration.k8s.io",
        plural: "mutatingadmissionpolicies",
        counts_generations: true,
        ..CLUSTER_WIDE
    },
    Strategy { group: "resource.k8s.io", plural: "deviceclasses", counts_generations: true, ..CLUSTER_WIDE },
    Strategy {
        group: "resource.k8s.io",
        plural: "resourceslices",
        counts_generations: true,
        returns_deleted: true,
        ..CLUSTER_WIDE
    },
];
