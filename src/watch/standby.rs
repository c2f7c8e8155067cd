//! The standby: a build that is prepared ahead of time, whose container waits for the last bytes of its upload. A build
//! without one prepares the same, for itself.

use crate::pipeline::cleanup::Leftovers;
use crate::pipeline::context::BuildContext;
use crate::pipeline::images::Images;
use crate::pipeline::ready::ReadyBuild;

/// A prepared build, and what it was prepared with.
pub struct Standby<'a> {
    pub cx: BuildContext<'a>,
    pub images: Images,
    pub ready: ReadyBuild<'a>,
}

impl Standby<'_> {
    /// Hands over its containers, and the image that lost the tag to `id`, if it did.
    pub fn into_leftovers(self, id: Option<&String>) -> Leftovers {
        let mut leftovers = self.ready.into_leftovers();
        leftovers.images.extend(id.and_then(|id| self.images.superseded_by(id)));
        leftovers
    }
}
