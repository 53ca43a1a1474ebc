//! The API server.
mod cron;
mod printers;
mod quantity;
mod validation;
