mod addons;
mod boot;
mod console;
mod definitions;
mod policy;
mod rollout;
mod rules;
mod who;
