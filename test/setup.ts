/** Loaded before every test file. In continuous integration, generated inputs are the same each time; elsewhere they are drawn anew. */
import fc from 'fast-check';

if (process.env.CI) fc.configureGlobal({ seed: 20221207 });
