//! Of which files a kubeconfig is made.
// Models staging/src/k8s.io/client-go/tools/clientcmd/loader.go, config.go

use crate::config::{Config, ConfigUser};
use crate::failure::{Outcome, error};
use crate::host::Host;
use api::Value;

/// A kubeconfig and the files that it was read from, the first of which counts where several say something.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    files: Vec<File>,
    /// What all say together.
    pub merged: Config,
}

#[derive(Clone, Debug)]
struct File {
    path: String,
    config: Config,
    is_there: bool,
}

/// Reads the files that `--kubeconfig` or `$KUBECONFIG` names, or else the user's own; `None` where the machine keeps
/// none. `kubectl config` makes one that isn't there.
///
/// # Errors
/// Where a file can't be read, or one that is named by itself isn't there.
// Models ClientConfigLoadingRules.Load
pub(crate) fn load(
    host: &mut dyn Host,
    explicit: &str,
    makes: bool,
    machine: &mut Config,
) -> Outcome<Option<Loaded>> {
    let own = host.own_kubeconfig();
    let paths: Vec<String> = match (explicit, host.variable("KUBECONFIG").unwrap_or_default()) {
        ("", list) if !list.is_empty() => {
            list.split(':').filter(|path| !path.is_empty()).map(str::to_string).collect()
        }
        ("", _) => own.iter().cloned().collect(),
        (path, _) => vec![path.to_string()],
    };
    let mut files = Vec::new();
    for path in paths {
        let text = match host.read_file(&path) {
            Ok(text) => Some(text),
            Err(why) if !explicit.is_empty() && !makes => return error(format!("stat {path}: {why}")),
            Err(_) => None,
        };
        let is_there = text.is_some();
        let is_own = own.as_ref() == Some(&path);
        let config = match text {
            Some(text) if is_own && text == machine.text() => machine.clone(),
            Some(text) => match api::yaml::parse_one(&text) {
                Ok(file) => read(host, &file, machine),
                Err(why) => {
                    let why = why.in_kubectl_words();
                    return error(format!("error loading config file \"{path}\": {why}"));
                }
            },
            None => Config::from_value(&Value::Null, machine),
        };
        if is_own {
            machine.clone_from(&config);
        }
        files.push(File { path, config, is_there });
    }
    let Some(first) = files.first() else { return Ok(None) };
    let mut merged = first.config.clone();
    for file in files.get(1..).unwrap_or(&[]) {
        merged.fill_up(&file.config);
    }
    Ok(Some(Loaded { files, merged }))
}

/// Reads a kubeconfig, and for whom the API server takes its users.
fn read(host: &mut dyn Host, file: &Value, machine: &Config) -> Config {
    let mut config = Config::from_value(file, machine);
    for ConfigUser { user, settings, .. } in &mut config.users {
        let token = settings.get("token");
        if let Some(found) = token.and_then(|token| crate::cx::user_of_token(host, token)) {
            *user = found;
        }
        let data = settings.get("client-certificate-data");
        let bytes = data.and_then(|data| api::number::from_base64(data)).unwrap_or_default();
        if let Some(found) = crate::cmd::config::user_of_certificate(&String::from_utf8_lossy(&bytes)) {
            *user = found;
        }
    }
    config
}

impl Loaded {
    /// Writes what a command has changed into the files that hold it, and what is new into the first that is there.
    // Models ModifyConfig, PathOptions.GetDefaultFilename
    pub fn store(&mut self, host: &mut dyn Host, after: &Config, machine: &mut Config) {
        let own = host.own_kubeconfig();
        let last = self.files.len().saturating_sub(1);
        let new = self.files.iter().position(|file| file.is_there).unwrap_or(last);
        for i in 0..self.files.len() {
            let others: Vec<&Config> =
                self.files.iter().enumerate().filter(|(j, _)| *j < i).map(|(_, file)| &file.config).collect();
            let config = self.files[i].config.changed(&self.merged, after, &others, i == new);
            let file = &mut self.files[i];
            if config == file.config {
                continue;
            }
            if let Err(why) = host.write_file(&file.path, &config.text()) {
                host.err(&format!("error: open {}: {why}\n", file.path));
                continue;
            }
            if own.as_ref() == Some(&file.path) {
                machine.clone_from(&config);
            }
            file.config = config;
        }
        self.merged.clone_from(after);
    }
}
