#[derive(Clone, Default)]
pub(crate) struct EndpointSlices;
