/** Names that other extensions, keyboards and menus may rely on. */
export const CommandIDs = {
  openPanel: 'greencell:open-panel',
  enable: 'greencell:enable',
  pause: 'greencell:pause',
  export: 'greencell:export',
  copyMarkdown: 'greencell:copy-markdown',
  copyStatement: 'greencell:copy-statement',
  setZone: 'greencell:set-zone',
  toggleBadges: 'greencell:toggle-badges',
  embed: 'greencell:embed-figures',
  strip: 'greencell:strip-figures',
  reset: 'greencell:reset'
} as const;

/** The plugin whose schema holds the settings. */
export const SETTINGS_ID = 'greencell:panel';
