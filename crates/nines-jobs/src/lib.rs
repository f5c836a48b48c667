//! Long jobs: queue, progress, cancel, retry, resume.
