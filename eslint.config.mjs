// Strict, and the arrows of the design: wire → connection → model → views.
import tseslint from 'typescript-eslint';

const views = ['**/panel/*', '**/badges/*', '**/status'];

export default tseslint.config(
  { ignores: ['lib', 'node_modules', 'greencell', '.venv'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      // Numbers in template strings are how figures become text in format.ts.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // A class that only listens is a room of its own.
      '@typescript-eslint/no-extraneous-class': 'off',
      // `||` also replaces an empty text, which is meant where it is used.
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Lumino's signals take the object to call a method on as their second argument.
      '@typescript-eslint/unbound-method': 'off',
      // JupyterLab's enums are compared with their own texts, which its types say are the same.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off'
    }
  },
  {
    files: ['src/**'],
    ignores: ['src/connection.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: '@jupyterlab/services', message: 'Only connection.ts talks to kernels.' }] }
      ]
    }
  },
  {
    files: ['src/wire.ts', 'src/whatif.ts', 'src/guard.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\./guard$)', message: 'The wire knows its guards and nothing else.' }] }
      ]
    }
  },
  {
    files: ['src/model.ts', 'src/runs.ts', 'src/trace.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [{ name: '@jupyterlab/services' }],
          patterns: [{ group: [...views, './format', './connection'], message: 'The model holds numbers, no pixels.' }]
        }
      ]
    }
  },
  {
    files: ['src/format.ts', 'src/words.ts', 'src/connection.ts', 'src/tracker.ts', 'src/tokens.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: views, message: 'Nothing below a view knows a view.' }] }
      ]
    }
  }
);
