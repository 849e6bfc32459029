// Draws monitoring/dashboard.json with Grafana's own panel components, from what Prometheus answered: data.json, which
// bench/dashboard.py writes. Sizes and defaults are those of Grafana's dashboards (a row is 30 pixels, gaps are 8).
import { createTheme, dateTime, FieldType, getDisplayProcessor, ThemeContext, toDataFrame } from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, GlobalStyles, LegendDisplayMode, PanelChrome, TimeSeries } from '@grafana/ui';
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import { createRoot } from 'react-dom/client';
import run from './data.json';

const WIDTH = 1600, GAP = 8, ROW = 30;
const theme = createTheme({ colors: { mode: 'dark' } });
const timeRange = { from: dateTime(run.from * 1000), to: dateTime(run.to * 1000) };
timeRange.raw = { from: timeRange.from, to: timeRange.to };
// What a panel of Grafana's that says nothing else looks like.
const LINE = { drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, showPoints: 'never', spanNulls: false,
  axisPlacement: 'auto', scaleDistribution: { type: 'linear' }, thresholdsStyle: { mode: 'off' }, hideFrom: {} };

function frames(panel) {
  const { defaults, overrides } = panel.fieldConfig;
  if (overrides.length) throw new Error(`${panel.title}: overrides are not drawn`);
  const custom = { ...LINE, ...defaults.custom, stacking: { mode: 'none', group: 'A', ...defaults.custom?.stacking } };
  return run.panels[panel.id].map(({ name, points }, seriesIndex) => {
    const config = { color: { mode: 'palette-classic' }, displayNameFromDS: name, ...defaults, custom };
    const frame = toDataFrame({ fields: [
      { name: 'Time', type: FieldType.time, values: points.map(([at]) => at * 1000), config: {} },
      { name: 'Value', type: FieldType.number, values: points.map(([, value]) => Number(value)), config },
    ] });
    const value = frame.fields[1];
    value.state = { ...value.state, seriesIndex };
    for (const field of frame.fields) field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
    return frame;
  });
}

function Stat({ panel, width, height }) {
  const [frame] = frames(panel);
  if (!frame) return 'No data';
  const field = frame.fields[1];
  field.config.color = { mode: 'thresholds' };
  field.config.thresholds ??= { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }] };
  const [low, high] = [Math.min(...field.values), Math.max(...field.values)];
  field.state.range = { min: low, max: high, delta: high - low };
  const display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
  return <BigValue value={display(field.values.at(-1))} theme={theme} width={width} height={height}
    colorMode={BigValueColorMode.Value} graphMode={BigValueGraphMode.Area} sparkline={{ x: frame.fields[0], y: field }} />;
}

function Graph({ panel, width, height }) {
  const found = frames(panel);
  if (!found.length) return 'No data';
  return <TimeSeries frames={found} timeRange={timeRange} timeZone="utc" width={width} height={height}
    legend={{ showLegend: true, displayMode: LegendDisplayMode.List, placement: 'bottom', calcs: [] }} />;
}

function Panel({ panel }) {
  const { x, y, w, h } = panel.gridPos;
  const column = (WIDTH - GAP) / 24;
  const width = w * column - GAP, height = h * (ROW + GAP) - GAP;
  const Inner = panel.type === 'stat' ? Stat : Graph;
  return (
    <div style={{ position: 'absolute', left: GAP + x * column, top: GAP + y * (ROW + GAP) }}>
      <PanelChrome title={panel.title} width={width} height={height}>
        {(innerWidth, innerHeight) => <Inner panel={panel} width={innerWidth} height={innerHeight} />}
      </PanelChrome>
    </div>
  );
}

createRoot(document.body.appendChild(document.createElement('div'))).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    {run.dashboard.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}
  </ThemeContext.Provider>,
);
