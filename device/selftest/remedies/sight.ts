import type { Remedy } from './remedy.ts';

/** Of what the unit sees and its lines. */
export const sightRemedies = {
  'camera-unavailable': {
    means: 'The camera delivers no picture.',
    matters: 'The road is not watched at all.',
    steps: [
      'Push the camera cable home at both ends; a ribbon has its contacts towards the board.',
      'Look whether the camera is there: `rpicam-hello --list-cameras`, `v4l2-ctl --list-devices`, or ping its address.',
      'Correct `source.camera` where kind, device or address are those of another camera.',
      'Look whether another program has it: `sudo fuser /dev/video*`.',
      'Let the unit read cameras: its account belongs to the group `video`.',
      'Exchange the camera.',
    ],
  },
  'camera-slow': {
    means: 'Fewer frames come than were asked for.',
    matters: 'Vehicles are lost between two frames, and evidence needs five frames a second.',
    steps: [
      'At dusk: give `source.camera.exposure` in microseconds, since an automatic exposure may last longer than a frame.',
      'Ask for less: a smaller picture, or a lower `source.camera.rate`.',
      'Of a camera on the network: use a cable instead of a radio link, and test the unit again.',
      'Look at the temperature below: a processor that is held back takes fewer frames.',
    ],
  },
  'camera-damaged': {
    means: 'Pictures arrive damaged.',
    matters: 'They are left out, and with them what happened meanwhile.',
    steps: [
      'Push the camera cable home, and lay it away from mains and radio.',
      'Exchange the cable; a ribbon that was bent sharply is broken inside.',
      'Of a USB camera: another port, without a hub.',
      'Of a camera on the network: transport `tcp` in `source.camera`.',
    ],
  },
  'camera-size': {
    means: 'The camera delivers another shape of picture than the scene was drawn on.',
    matters: 'Lanes and lines do not lie where they belong.',
    steps: [
      'Set `width` and `height` of `source.camera` to those of the scene.',
      'Or draw and calibrate the scene anew on pictures of this camera: `atalaya-provision calibrate`.',
    ],
  },
  'camera-covered': {
    means: 'The picture shows nothing: all of it has one brightness.',
    matters: 'The road is not watched, although frames come.',
    steps: [
      'Take the cap, the film or the shipping foil off the lens.',
      'Wipe the window of the housing: mud, snow, a sticker, paint.',
      'At night: look whether lamp or infrared light works.',
      'Ask for a picture: `atalaya-fleet command snapshot`.',
      'Where the lens is free and it is day: exchange the camera.',
    ],
  },
  'focus-soft': {
    means: 'The picture is not sharp.',
    matters: 'Plates cannot be read, and small vehicles are not found.',
    steps: [
      'Wipe lens and window; dry them where they are misted over.',
      'Look whether it rains or is foggy: then test again later.',
      'Turn the focus of the lens until this test says good; fix its screw.',
      'Of a camera with a motor: set `source.camera.focus`, in dioptres: 0 for far.',
      'Where vehicles alone are smeared: a shorter `source.camera.exposure`.',
    ],
  },
  'exposure-dark': {
    means: 'Most of the picture is black.',
    matters: 'What is in the dark is neither found nor read.',
    steps: [
      'Look whether lamp or infrared light works.',
      'Give `source.camera.exposure` a longer time or `gain` more; at 50 km/h plates need 1000 microseconds or less.',
      'Turn the camera away from lights that shine into it.',
    ],
  },
  'exposure-bright': {
    means: 'Much of the picture is white.',
    matters: 'What is in the white is lost: plates and lamps first.',
    steps: [
      'Give `source.camera.exposure` a shorter time, or `auto`.',
      'Shade the lens, or turn it away from sun and headlights.',
      'At night: turn the infrared light down; reflecting plates need little.',
    ],
  },
  'camera-moved': {
    means: 'The camera does not point where it was calibrated.',
    matters: 'No speed is stated, and with a large shift nobody is accused.',
    steps: [
      'Look whether something stands before the camera, or wind shakes the mast: test again in some minutes.',
      'Turn the camera back until the shift is small, and tighten the bracket.',
      'Where it has to stay as it is: calibrate anew, with references (`atalaya-provision calibrate`).',
    ],
  },
  'place-unseen': {
    means: 'Too little of what the calibration saw is found again.',
    matters: 'Whether the camera was moved is not known.',
    steps: [
      'At night, in rain or fog, and with lorries in view: test again later.',
      'Look at camera and focus above.',
      'Where the street itself has changed: `atalaya-provision calibrate references`.',
    ],
  },
  'scene-empty': {
    means: 'The unit has no scene yet: no lane, no line, no zone.',
    matters: 'It watches and judges nothing.',
    steps: [
      'Take a picture: `atalaya-fleet command snapshot`.',
      'Draw the scene on it and calibrate it: `atalaya-provision calibrate`.',
      'Give it to the unit: `atalaya-provision enrol ... --scene scene.yaml`, then start the unit anew.',
    ],
  },
  'references-unusable': {
    means: "The file of the calibration's references cannot be used.",
    matters: 'The unit does not start with it, and a move of the camera would go unseen.',
    steps: [
      'Put the file in place that belongs to this scene and size of picture (`references` in the configuration).',
      'Or make it anew: `atalaya-provision calibrate references`.',
    ],
  },
  'lines-unavailable': {
    means: 'The lines cannot be opened.',
    matters: 'No phase of the signal is known, so no red light is accused; no beacon lights.',
    steps: [
      'Read what is said: a line that nothing names is added to the configuration.',
      'Compare `signal.lines` with `gpiodetect` and `gpioinfo`: label of the chip, offset of the line.',
      'Look whether another program has a line: `gpioinfo` names its consumer.',
      'Let the unit use them: its account belongs to the group `gpio`.',
    ],
  },
  'line-dead': {
    means: 'A line does not answer.',
    matters: 'Whatever it tells is not known, or is not shown.',
    steps: [
      'Start the unit again; where it comes back, look at the log for the fault.',
      'Look whether another program has taken it: `gpioinfo`.',
      'Of an expander: look at its supply and its cable.',
    ],
  },
  'line-unchanged': {
    means: 'An input has not changed since it is watched.',
    matters: 'Its wire may be broken or stuck; a lamp that never changes accuses nobody, or everybody.',
    steps: [
      'Make it change and test again: wait for the next phase, open the door, drive over the loop.',
      'Measure at the terminal while it changes: the voltage must follow.',
      'Where the voltage follows and the input does not: compare chip, offset, `bias` and `activeLow` with the plan.',
      'Where it does not: follow the wire to the controller; fuse, clamp, opto-coupler.',
    ],
  },
  'line-unknown': {
    means: 'A line was to be switched that is no output.',
    matters: 'Nothing was switched.',
    steps: ['Name an output as `signal.lines.outputs` calls it.'],
  },
  'line-door-open': {
    means: 'The door of the housing is open.',
    matters: 'Nothing is wrong while you work; a door that stays open lets water and hands in.',
    steps: [
      'Close it when you leave, and test again.',
      'Where it is closed: look at the switch, and at `activeLow` of its input.',
    ],
  },
  'line-tampered': {
    means: 'The tamper switch is on.',
    matters: 'Nothing is wrong while you work; otherwise somebody is at the unit.',
    steps: [
      'Look at the unit: seal, screws, bracket.',
      'Where all is in order: look at the switch, and at `activeLow` of its input.',
    ],
  },
  'line-pulse-failed': {
    means: 'An output could not be switched.',
    matters: 'Beacon or strobe stay dark.',
    steps: [
      'Test once more: an infraction may have had the lamp at that moment.',
      'Look at the log of the unit for the fault of the line.',
      'Compare chip and offset with the plan.',
    ],
  },
  'lamps-contradict': {
    means: 'Red and green of one signal head are on at once.',
    matters: 'The phase is not known then, and nobody is accused.',
    steps: [
      'Compare the wires of the head with the plan: two may be exchanged, or one is `activeLow`.',
      'Measure both lamps at the terminals.',
      'Where both are lit: report the signal controller to its owner at once.',
    ],
  },
} as const satisfies Readonly<Record<string, Remedy>>;
