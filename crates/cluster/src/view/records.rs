use super::View;
use ::view::RecordRow;
use api::{Value, meta};

impl View {
    /// Makes a record's row.
    pub(super) fn record_row(&self, resource: &str, object: &Value) -> RecordRow {
        let status = &object["status"];
        let owner = meta::controller(object).map_or(String::new(), |owner| {
            let resource = super::plural(owner["kind"].str());
            format!("{resource}/{}/{}", meta::namespace(object), owner["name"].str())
        });
        let mut row = RecordRow {
            kind: object["kind"].str().to_string(),
            owner,
            wanted: object["spec"]["replicas"].int(),
            current: status["replicas"].int(),
            ready: status["readyReplicas"].int(),
            available: status["availableReplicas"].int(),
            version: self.versions.of(meta::uid(object)),
            revision: meta::annotation(object, "deployment.kubernetes.io/revision").parse().unwrap_or(0),
            detail: object["spec"]["template"]["spec"]["containers"][0]["image"].str().to_string(),
            addresses: Vec::new(),
            budget: None,
            system: super::is_system(meta::namespace(object)) || &*meta::key(object) == "default/kubernetes",
            created: self.moment_of(&object["metadata"]["creationTimestamp"]).unwrap_or(0),
            ending: meta::is_deleting(object),
            slots: self.slots(resource, object),
        };
        match resource {
            "daemonsets" => {
                row.wanted = status["desiredNumberScheduled"].int();
                row.current = status["currentNumberScheduled"].int();
                row.ready = status["numberReady"].int();
                row.available = status["numberAvailable"].int();
            }
            "jobs" => {
                let spec = &object["spec"];
                let wanted =
                    if spec["completions"].is_null() { &spec["parallelism"] } else { &spec["completions"] };
                row.wanted = wanted.int();
                row.ready = status["succeeded"].int();
                row.available = row.ready;
                row.current = status["active"].int() + row.ready;
            }
            "cronjobs" => {
                row.current = status["active"].items().len() as i64;
                row.detail = object["spec"]["schedule"].str().to_string();
            }
            "deployments" => {
                let budget = self.budget_row(object);
                row.version = budget.versions.iter().map(|(version, _, _)| *version).max().unwrap_or(0);
                row.budget = Some(budget);
            }
            "services" => self.fill_service(object, &mut row),
            _ => self.fill_other(resource, object, &mut row),
        }
        row
    }

    fn fill_service(&self, service: &Value, row: &mut RecordRow) {
        let spec = &service["spec"];
        row.detail = spec["type"].str().to_string();
        let ports = spec["ports"].items();
        let cluster_ip = spec["clusterIP"].str();
        for port in ports.iter().filter(|_| !matches!(cluster_ip, "" | "None")) {
            row.addresses.push(format!("{cluster_ip}:{}", port["port"].int()));
        }
        if row.detail == "ExternalName" {
            row.addresses.push(spec["externalName"].str().to_string());
        }
        let ingress = service["status"]["loadBalancer"]["ingress"].items();
        let balanced = ingress.iter().map(|ingress| ingress["ip"].str());
        let external = spec["externalIPs"].items().iter().map(Value::str);
        for ip in balanced.chain(external) {
            row.addresses.extend(ports.iter().map(|port| format!("{ip}:{}", port["port"].int())));
        }
        if row.detail == "LoadBalancer" && ingress.is_empty() {
            row.addresses.push("<pending>".to_string());
        }
        for port in ports.iter().filter(|port| port["nodePort"].int() != 0) {
            row.addresses.push(format!(":{}", port["nodePort"].int()));
        }
        let ready = |endpoint: &&Value| !matches!(endpoint["conditions"]["ready"].as_bool(), Some(false));
        let slices = self.slices_of(service);
        row.ready = slices.map(|slice| slice["endpoints"].items().iter().filter(ready).count() as i64).sum();
    }

    /// Returns the EndpointSlices of a service.
    pub(super) fn slices_of<'a>(&'a self, service: &'a Value) -> impl Iterator<Item = &'a Value> {
        let from = ("endpointslices", format!("{}/{}", meta::namespace(service), meta::name(service)));
        let in_order = self.objects.range(from..).take_while(|((resource, key), _)| {
            *resource == "endpointslices" && key.starts_with(&*meta::key(service))
        });
        in_order
            .map(|(_, slice)| slice)
            .filter(|slice| meta::labels(slice)["kubernetes.io/service-name"].str() == meta::name(service))
    }
}
