/** The mark of greencell: a leaf with a bolt, drawn in the theme's icon colour. */
import { LabIcon } from '@jupyterlab/ui-components';

export const greencellIcon = new LabIcon({
  name: 'greencell:leaf',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16"><path class="jp-icon3" fill="#616161" d="M14 1.5C8 1.3 2.5 3.4 2.2 8.4c-.1 1.6.5 2.8 1.3 3.7L2 13.9l1 .9 1.6-1.9c.9.5 2 .7 3.2.5 5-.8 6.3-6.300 6.200-11.900zM8.900 4.400 8.300 7h2.300l-3.900 4.300.7-3H5.100z"/></svg>`
});
