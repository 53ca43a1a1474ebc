use api::{User, Value, tree};

/// A cluster of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigCluster {
    /// Its name.
    pub name: String,
    /// The API server's URL.
    pub server: String,
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
            clusters: vec![ConfigCluster { name: cluster.to_string(), server: server.to_string() }],
            contexts: vec![ConfigContext {
                name: context.to_string(),
                cluster: cluster.to_string(),
                user: user.to_string(),
                namespace: String::new(),
            }],
            users: vec![ConfigUser { name: user.to_string(), user: User::admin() }],
            current: context.to_string(),
            home: server.to_string(),
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

    /// Returns the configuration as `kubectl config view` shows it.
    pub fn to_value(&self) -> Value {
        let clusters: Vec<Value> = self
            .clusters
            .iter()
            .map(|cluster| {
                tree!({
                    "cluster": {"server": (&cluster.server), "certificate-authority-data": "DATA+OMITTED"},
                    "name": (&cluster.name),
                })
            })
            .collect();
        let contexts: Vec<Value> = self
            .contexts
            .iter()
            .map(|context| {
                let mut inner = tree!({"cluster": (&context.cluster), "user": (&context.user)});
                if !context.namespace.is_empty() {
                    inner.set(&["namespace"], &context.namespace);
                }
                tree!({"context": (inner), "name": (&context.name)})
            })
            .collect();
        let users: Vec<Value> = self
            .users
            .iter()
            .map(|user| {
                let secrets = tree!({
                    "client-certificate-data": "DATA+OMITTED",
                    "client-key-data": "DATA+OMITTED",
                });
                tree!({"name": (&user.name), "user": (secrets)})
            })
            .collect();
        let list = |items: Vec<Value>| if items.is_empty() { Value::Null } else { Value::from(items) };
        tree!({
            "apiVersion": "v1",
            "clusters": (list(clusters)),
            "contexts": (list(contexts)),
            "current-context": (&self.current),
            "kind": "Config",
            "preferences": {},
            "users": (list(users)),
        })
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
