//! Docker Compose: a service that runs the image.

use super::quote::yaml;
use super::{Request, shell};

/// A `compose.yaml`.
pub fn service(request: &Request) -> String {
    let last = request.repository().rsplit('/').next().unwrap_or_default();
    let command = shell::line(&request.command(request.verbs[0]));
    format!(
        "# compose.yaml; the image is made by:\n\
         #   {command}\n\
         # `docker compose up --detach` then runs it, and replaces the container when there is a new image.\n\
         services:\n  {name}:\n    image: {image}\n    pull_policy: never\n",
        name = yaml(last),
        image = yaml(&request.tag),
    )
}
