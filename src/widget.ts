/** The panel as an anywidget: for front ends without the extension, such as VS Code and Colab. */
import { SessionModel } from './model';
import { plainWords } from './plain';
import { type IWidgetModel, WidgetChannel } from './widget/channel';
import { WidgetView } from './widget/view';

/** Show the panel in an element; what is returned takes it away. */
function render({ model: widget, el }: { model: IWidgetModel; el: HTMLElement }): () => void {
  const model = new SessionModel();
  const view = new WidgetView(model, plainWords, {
    request: (op, extra) => channel.request(op, extra),
    fetchAll: () => channel.fetchAll()
  });
  const channel = new WidgetChannel(widget, model, pending => {
    view.setPending(pending);
  });
  el.append(view.node);
  if (getComputedStyle(el).getPropertyValue('--jp-layout-color1').trim() === '') {
    view.node.classList.add('gc-mod-alone');
  }
  const seen = new IntersectionObserver(entries => {
    view.setVisible(entries.some(entry => entry.isIntersecting));
  });
  const sized = new ResizeObserver(() => {
    view.refit();
  });
  seen.observe(view.node);
  sized.observe(view.node);
  return () => {
    seen.disconnect();
    sized.disconnect();
    channel.dispose();
    view.dispose();
    view.node.remove();
  };
}

export default { render };
