//! The client itself, made of `ureq`.

use std::sync::Arc;

use rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::request::{RequestError, TimeLimits};

/// Fetches what is at `url`, of which `size` bytes are the most that is taken.
///
/// # Errors
/// See [`RequestError`].
pub fn get(url: &str, limits: TimeLimits, size: u64) -> Result<Vec<u8>, RequestError> {
    let mut response = agent(limits).get(url).call()?;
    Ok(response.body_mut().with_config().limit(size).read_to_vec()?)
}

/// Posts a JSON text to `url`.
///
/// # Errors
/// See [`RequestError`].
pub fn post_json(url: &str, limits: TimeLimits, body: &str) -> Result<(), RequestError> {
    agent(limits).post(url).header("Content-Type", "application/json").send(body)?;
    Ok(())
}

fn agent(limits: TimeLimits) -> Agent {
    // The certificates that this machine trusts are used, as other tools do: companies have their own authorities. Those
    // that `ureq` can bring along would be 200 KB that are never used, so it is built without them and its own provider.
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_connect(Some(limits.connect))
        .timeout_global(Some(limits.total))
        .user_agent(concat!("minis2i/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

impl From<ureq::Error> for RequestError {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::StatusCode(status) => Self::Status(status),
            ureq::Error::BodyExceedsLimit(limit) => Self::TooLarge(limit),
            error => Self::Failed(error.to_string()),
        }
    }
}
