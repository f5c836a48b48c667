import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

// The server that `npm run dev` sends API calls to; Origin must equal Host there, so both are rewritten.
const server = process.env['NINES_SERVER'] ?? 'http://127.0.0.1:7420';

/** Puts the API's document beside the app, where people who write programs find it. */
const document: Plugin = {
  name: 'api-document',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'openapi.json', source: readFileSync(new URL('openapi.json', import.meta.url)) });
  },
};

export default defineConfig({
  plugins: [svelte(), document],
  build: {
    target: 'es2022',
    // The Content-Security-Policy allows neither inline scripts nor data: in scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: server, changeOrigin: true, headers: { origin: server } },
    },
  },
});
