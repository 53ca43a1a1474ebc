use api::{User, Value, tree};
use std::collections::BTreeMap;

/// Fields of a kubeconfig's entry that nothing here acts upon, by their names.
pub(crate) type Settings = BTreeMap<String, String>;

/// A cluster of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigCluster {
    /// Its name.
    pub name: String,
    /// The API server's URL.
    pub server: String,
    /// Its other fields; empty where they are those of the machine's own kubeconfig.
    pub(crate) settings: Settings,
}

/// A context of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigContext {
    /// Its name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: String,
    /// The namespace; empty for `default`.
    pub namespace: String,
}

/// A user of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigUser {
    /// Its name in the file.
    pub name: String,
    /// Whom the API server takes it for.
    pub user: User,
    /// How it logs in; empty where that is as in the machine's own kubeconfig.
    pub(crate) settings: Settings,
}

/// A kubeconfig as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Config {
    /// The clusters.
    pub clusters: Vec<ConfigCluster>,
    /// The contexts.
    pub contexts: Vec<ConfigContext>,
    /// The users.
    pub users: Vec<ConfigUser>,
    /// The current context's name; empty for none.
    pub current: String,
    /// The URL of the one API server that there is; empty where it doesn't matter.
    home: String,
}

impl Config {
    /// Makes a kubeconfig with one cluster, one context and the administrator as its user.
    pub fn new(context: &str, cluster: &str, server: &str, user: &str) -> Config {
        Config {
            clusters: vec![ConfigCluster {
                name: cluster.to_string(),
                server: server.to_string(),
                settings: of_machine(&["certificate-authority-data"]),
            }],
            contexts: vec![ConfigContext {
                name: context.to_string(),
                cluster: cluster.to_string(),
                user: user.to_string(),
                namespace: String::new(),
            }],
            users: vec![ConfigUser {
                name: user.to_string(),
                user: User::admin(),
                settings: of_machine(&["client-certificate-data", "client-key-data"]),
            }],
            current: context.to_string(),
            home: server.to_string(),
        }
    }

    /// Reads a kubeconfig file. A user that the machine's own kubeconfig has is the same one; another is one of its
    /// name.
    // Models staging/src/k8s.io/client-go/tools/clientcmd/api/v1/types.go
    pub(crate) fn from_value(file: &Value, machine: &Config) -> Config {
        let text = |value: &Value| value.str().to_string();
        let clusters = file["clusters"].items().iter().map(|entry| ConfigCluster {
            name: text(&entry["name"]),
            server: text(&entry["cluster"]["server"]),
            settings: settings_of(&entry["cluster"], &["server"]),
        });
        let contexts = file["contexts"].items().iter().map(|entry| ConfigContext {
            name: text(&entry["name"]),
            cluster: text(&entry["context"]["cluster"]),
            user: text(&entry["context"]["user"]),
            namespace: text(&entry["context"]["namespace"]),
        });
        let users = file["users"].items().iter().map(|entry| {
            let (name, settings) = (text(&entry["name"]), settings_of(&entry["user"], &[]));
            let known = machine.users.iter().find(|user| user.name == name && user.settings == settings);
            let user = match known {
                Some(known) => known.user.clone(),
                None => User::new(&name, &["system:authenticated"]),
            };
            ConfigUser { name, user, settings }
        });
        Config {
            clusters: clusters.collect(),
            contexts: contexts.collect(),
            users: users.collect(),
            current: text(&file["current-context"]),
            home: machine.home.clone(),
        }
    }

    /// Returns the URL of the one API server that there is.
    pub(crate) fn home_server(&self) -> Option<&str> {
        (!self.home.is_empty()).then_some(self.home.as_str())
    }

    /// Returns the context of that name.
    pub fn context(&self, name: &str) -> Option<&ConfigContext> {
        self.contexts.iter().find(|context| context.name == name)
    }

    /// Returns the current context.
    pub fn current(&self) -> Option<&ConfigContext> {
        self.context(&self.current)
    }

    /// Returns the current context's namespace, `default` where it names none.
    pub fn namespace(&self) -> &str {
        match self.current() {
            Some(context) if !context.namespace.is_empty() => &context.namespace,
            _ => "default",
        }
    }

    /// Returns the current context's cluster.
    pub fn cluster(&self) -> Option<&ConfigCluster> {
        let name = &self.current()?.cluster;
        self.clusters.iter().find(|cluster| cluster.name == *name)
    }

    /// Returns the configuration as `kubectl config view` shows it: what is secret only with `--raw`.
    pub(crate) fn to_value(&self, raw: bool) -> Value {
        let clusters = self.clusters.iter().map(|cluster| {
            let mut inner = Value::map();
            if !cluster.server.is_empty() {
                inner.set(&["server"], &cluster.server);
            }
            show(&mut inner, &cluster.settings, raw);
            tree!({"cluster": (inner), "name": (&cluster.name)})
        });
        let contexts = self.contexts.iter().map(|context| {
            let mut inner = tree!({"cluster": (&context.cluster), "user": (&context.user)});
            if !context.namespace.is_empty() {
                inner.set(&["namespace"], &context.namespace);
            }
            tree!({"context": (inner), "name": (&context.name)})
        });
        let users = self.users.iter().map(|user| {
            let mut inner = Value::map();
            show(&mut inner, &user.settings, raw);
            tree!({"name": (&user.name), "user": (inner)})
        });
        let sorted = |mut items: Vec<Value>| {
            items.sort_by(|a, b| a["name"].str().cmp(b["name"].str()));
            if items.is_empty() { Value::Null } else { Value::from(items) }
        };
        tree!({
            "apiVersion": "v1",
            "clusters": (sorted(clusters.collect())),
            "contexts": (sorted(contexts.collect())),
            "current-context": (&self.current),
            "kind": "Config",
            "users": (sorted(users.collect())),
        })
    }

    /// Returns the text of its file.
    pub fn text(&self) -> String {
        api::yaml::print(&self.to_value(true))
    }

    /// Adds what another says and this doesn't.
    // Models staging/src/k8s.io/client-go/tools/clientcmd/loader.go ClientConfigLoadingRules.Load
    pub(crate) fn fill_up(&mut self, other: &Config) {
        fill_up(&mut self.clusters, &other.clusters, |cluster| &cluster.name);
        fill_up(&mut self.contexts, &other.contexts, |context| &context.name);
        fill_up(&mut self.users, &other.users, |user| &user.name);
        if self.current.is_empty() {
            self.current.clone_from(&other.current);
        }
    }

    /// Returns what this one of several files says once a command has made one thing of another of what all say
    /// together. What an earlier file says isn't this one's, and what is new goes into one of them.
    // Models staging/src/k8s.io/client-go/tools/clientcmd/config.go ModifyConfig
    pub(crate) fn changed(&self, from: &Config, to: &Config, earlier: &[&Config], takes_new: bool) -> Config {
        let has = |names: &dyn Fn(&Config) -> bool| earlier.iter().any(|config| names(config));
        let current = match from.current == to.current {
            false if takes_new || to.current.is_empty() => to.current.clone(),
            _ => self.current.clone(),
        };
        Config {
            clusters: changed(
                [&self.clusters, &from.clusters, &to.clusters],
                |name| has(&|config| config.clusters.iter().any(|cluster| cluster.name == name)),
                takes_new,
                |cluster| &cluster.name,
            ),
            contexts: changed(
                [&self.contexts, &from.contexts, &to.contexts],
                |name| has(&|config| config.context(name).is_some()),
                takes_new,
                |context| &context.name,
            ),
            users: changed(
                [&self.users, &from.users, &to.users],
                |name| has(&|config| config.users.iter().any(|user| user.name == name)),
                takes_new,
                |user| &user.name,
            ),
            current,
            home: self.home.clone(),
        }
    }

    /// Returns the configuration with the current context only, and what that names.
    pub fn minified(&self) -> Config {
        let mut config = self.clone();
        let current = config.current().cloned().unwrap_or_default();
        config.contexts.retain(|context| context.name == current.name);
        config.clusters.retain(|cluster| cluster.name == current.cluster);
        config.users.retain(|user| user.name == current.user);
        config
    }
}

fn fill_up<T: Clone>(own: &mut Vec<T>, others: &[T], name: fn(&T) -> &str) {
    for other in others {
        if !own.iter().any(|known| name(known) == name(other)) {
            own.push(other.clone());
        }
    }
}

/// Returns a file's own entries after a change of all.
fn changed<T: Clone>(
    [own, from, to]: [&[T]; 3],
    is_earlier: impl Fn(&str) -> bool,
    takes_new: bool,
    name: fn(&T) -> &str,
) -> Vec<T> {
    let find = |list: &[T], wanted: &str| list.iter().find(|known| name(known) == wanted).cloned();
    let kept = own.iter().filter_map(|entry| match is_earlier(name(entry)) {
        true => Some(entry.clone()),
        false => find(to, name(entry)),
    });
    let new = to.iter().filter(|entry| takes_new && find(from, name(entry)).is_none());
    kept.chain(new.cloned()).collect()
}

/// Makes the settings of the machine's own kubeconfig, whose certificates nothing here verifies.
fn of_machine(fields: &[&str]) -> Settings {
    let text = crate::text::base64(b"Simulated cluster: nothing here verifies a certificate.");
    fields.iter().map(|field| ((*field).to_string(), text.clone())).collect()
}

/// Reads an entry's fields but those that are known by themselves; of nested ones the path is the name.
fn settings_of(entry: &Value, known: &[&str]) -> Settings {
    let mut settings = Settings::new();
    for (field, value) in entry.fields().iter().filter(|(field, _)| !known.contains(field)) {
        match value {
            Value::Map(_) => {
                for (inner, text) in settings_of(value, &[]) {
                    settings.insert(format!("{field}.{inner}"), text);
                }
            }
            Value::Str(text) => drop(settings.insert(field.to_string(), text.to_string())),
            Value::Bool(is) => drop(settings.insert(field.to_string(), is.to_string())),
            _ => {}
        }
    }
    settings
}

/// Adds settings to what is shown of an entry.
// Models staging/src/k8s.io/client-go/tools/clientcmd/api/helpers.go RedactSecrets, ShortenConfig
fn show(entry: &mut Value, settings: &Settings, raw: bool) {
    for (field, text) in settings {
        let path: Vec<&str> = field.split('.').collect();
        let value: Value = match (field.as_str(), text.as_str()) {
            (_, "true") => true.into(),
            (_, "false") => false.into(),
            ("token" | "password", _) if !raw => "REDACTED".into(),
            (field, _) if field.ends_with("-data") && !raw => "DATA+OMITTED".into(),
            (_, text) => text.into(),
        };
        entry.set(&path, value);
    }
}
