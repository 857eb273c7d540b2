"""Tests in a real browser, Chromium, which is driven through its own driver. Debian: chromium and chromium-driver."""
