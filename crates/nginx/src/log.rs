use crate::edits::header;
use network::{HttpRequest, HttpResponse, Socket};
use sim::{Nanos, SECOND, Time};

/// How a line of the access log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// nginx' own: `combined`.
    #[default]
    Combined,
    /// ingress-nginx': `upstreaminfo`.
    UpstreamInfo,
}

/// What a line tells of.
pub(crate) struct Line<'a> {
    pub(crate) now: Time,
    pub(crate) client: Socket,
    pub(crate) request: &'a HttpRequest,
    pub(crate) response: &'a HttpResponse,
    /// Who was to answer.
    pub(crate) name: &'a str,
    /// Who was asked; `-` for nobody.
    pub(crate) upstream: &'a str,
    pub(crate) took: Nanos,
}

impl LogFormat {
    /// Writes a line.
    // Models nginx src/http/modules/ngx_http_log_module.c ngx_http_combined_fmt and
    // github.com/kubernetes/ingress-nginx docs/user-guide/nginx-configuration/log-format.md
    pub(crate) fn line(self, line: &Line) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let Line { request, response, .. } = line;
        let (year, month, day, hour, minute, second) = line.now.civil();
        let month = MONTHS.get((month - 1) as usize).unwrap_or(&"");
        let agent = header(&request.headers, "user-agent").unwrap_or("-");
        let (status, bytes) = (response.status, response.body.len());
        let common = format!(
            "{} - - [{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} +0000] \"{} {} HTTP/1.1\" {status} \
             {bytes} \"-\" \"{agent}\"",
            line.client.address, request.method, request.path
        );
        if self == LogFormat::Combined {
            return common;
        }
        let seconds = format!("{}.{:03}", line.took / SECOND, line.took % SECOND / (SECOND / 1_000));
        let asked = line.upstream != "-";
        let (length, time, code) = if asked {
            (bytes.to_string(), seconds.clone(), status.to_string())
        } else {
            ("-".to_string(), "-".to_string(), "-".to_string())
        };
        let size = request.path.len() + request.host.len() + agent.len() + request.body.len() + 40;
        let (name, upstream) = (line.name, line.upstream);
        format!("{common} {size} {seconds} [{name}] [] {upstream} {length} {time} {code} -")
    }
}
