//! A session as the hash of an address: JSON, deflated, in base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use view::Session;

/// The most characters of a link; longer ones are cut by chat programs and servers.
pub const LINK: usize = 30_000;
/// The most bytes that a link may unpack to.
const UNPACKED: usize = 4_000_000;

/// Returns the session packed, or nothing if it is too long for a link.
pub fn pack(session: &Session) -> Option<String> {
    let json = serde_json::to_vec(session).ok()?;
    let text = URL_SAFE_NO_PAD.encode(compress_to_vec(&json, 9));
    (text.len() <= LINK).then_some(text)
}

/// Returns the session that a link holds, or nothing if it isn't whole.
pub fn unpack(text: &str) -> Option<Session> {
    let packed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let json = decompress_to_vec_with_limit(&packed, UNPACKED).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::{Input, LoggedInput};

    fn session(text: &str) -> Session {
        let input = Input::Line { tab: 1, text: text.to_owned() };
        let inputs = vec![LoggedInput { at: 7, input }];
        Session { preset: "lesson".into(), seed: u64::MAX, inputs, until: 9 }
    }

    #[test]
    fn both_ways() {
        let session = session("kubectl get pods # 파드");
        let text = pack(&session).expect("it is short");
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{text}");
        assert_eq!(unpack(&text), Some(session));
    }

    #[test]
    fn what_is_too_long_or_broken() {
        let noise: String = (0..40_000u32).map(|n| char::from(b'!' + (n * n % 89) as u8)).collect();
        let long: Vec<_> = (0..40).map(|n| format!("{n}{noise}")).collect();
        let mut session = session("");
        for text in long {
            let shuffled: String =
                text.bytes().enumerate().map(|(i, b)| char::from(b ^ (i * i % 31) as u8)).collect();
            session.inputs.push(LoggedInput { at: 1, input: Input::Line { tab: 1, text: shuffled } });
        }
        let packed = pack(&session);
        assert!(packed.is_none_or(|text| text.len() <= LINK));
        for broken in ["", "!", "AAAA", "8J-YgA"] {
            assert_eq!(unpack(broken), None);
        }
    }
}
