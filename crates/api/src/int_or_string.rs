//! Numbers that may be percentages.
