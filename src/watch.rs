mod debounce;
mod files;
mod sight;
mod state;
