import { barChart, lineChart } from './svg.ts'

test('bars are as long as their medians', () => {
  const svg = barChart('a < b', [
    { label: 'ours', spread: { median: 50, min: 40, max: 100 }, ours: true },
    { label: 'theirs', spread: { median: 100, min: 100, max: 100 } },
  ])
  const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width))
  expect(widths).toEqual([215, 430])
  expect(svg).toContain('<title>a &lt; b</title>')
})

test('lines go through their points', () => {
  const svg = lineChart({
    title: 't',
    yLabel: 'ms',
    series: [
      {
        label: 's',
        points: [
          [0, 0],
          [10, 5],
        ],
      },
    ],
  })
  expect(svg).toContain('points="64,300 630,48"')
})

test('nothing that was measured is no reason to divide by zero', () => {
  const svg = lineChart({ title: 't', yLabel: 'ms', series: [{ label: 's', points: [[0, 0]] }] })
  expect(svg).not.toContain('NaN')
})
