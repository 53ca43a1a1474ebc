mod addons;
mod boot;
mod console;
mod definitions;
mod rollout;
mod who;
