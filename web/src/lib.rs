//! The page and the worker that runs the simulation.
