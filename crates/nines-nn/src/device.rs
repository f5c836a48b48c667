//! Where arithmetic is done.

pub use burn::tensor::Device;

/// Returns the processor, with all its cores: the device that every build has.
pub fn cpu() -> Device {
    Device::flex()
}
