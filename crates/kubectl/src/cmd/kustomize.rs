//! `kubectl kustomize` and what `-k` builds
// Models sigs.k8s.io/kustomize/kustomize/v5/commands/build/build.go

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::host::Host;
use kustomize::Files;

/// What kustomize reads of the machine's files.
struct Disk<'a>(&'a mut dyn Host);

impl Files for Disk<'_> {
    fn read(&mut self, path: &str) -> Result<String, String> {
        self.0.read_file(path)
    }

    fn is_folder(&mut self, path: &str) -> bool {
        self.0.list_folder(path).is_some()
    }

    fn fetch(&mut self, url: &str) -> Result<String, String> {
        self.0.fetch(url)
    }
}

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let folder = match flags.args.as_slice() {
        [] => ".",
        [folder] => folder,
        _ => return error("specify one path to kustomization.yaml"),
    };
    for flag in ["enable-helm", "enable-alpha-plugins"] {
        if flags.is(flag) {
            return error(format!(
                "--{flag} is not supported\n# kubarium: there is no Helm here, nor plugins"
            ));
        }
    }
    if !matches!(flags.text("load-restrictor"), "LoadRestrictionsRootOnly" | "rootOnly") {
        return error(format!(
            "--load-restrictor={} is not supported\n# kubarium: files outside the kustomization's folder are not there yet",
            flags.text("load-restrictor")
        ));
    }
    let text = built(cx, folder)?;
    match flags.text("output") {
        "" => cx.out(&text),
        path => {
            if let Err(why) = cx.host.write_file(path, &text) {
                return error(format!("open {path}: {why}"));
            }
        }
    }
    Ok(Next::Done)
}

/// Builds a folder and returns its objects as YAML. What is deprecated is told.
///
/// # Errors
/// kustomize's message.
pub(crate) fn built(cx: &mut Cx, folder: &str) -> Outcome<String> {
    let whole = cx.host.absolute(folder);
    let built = match kustomize::build(&mut Disk(cx.host), &whole) {
        Ok(built) => built,
        // It is named as it was typed.
        Err(why) => {
            return error(why.trim_end().replace(&format!("on '{whole}'"), &format!("on '{folder}'")));
        }
    };
    for line in &built.warnings {
        cx.host.err(&format!("{line}\n"));
    }
    let objects: Vec<String> = built.objects.iter().map(api::yaml::print).collect();
    Ok(objects.join("---\n"))
}
