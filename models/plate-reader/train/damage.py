"""What stands between a clean plate and a line crop: light, dirt, camera, compression. Every function takes and gives
float32 [H, W, 3] RGB, 0..255.
"""
import cv2
import numpy as np


def dirt(picture, rng):
    """Blotches of mud or worn paint, and fine grain, drawn at low frequency."""
    h, w = picture.shape[:2]
    grain = rng.random((max(2, int(h / rng.uniform(3, 20))), max(2, int(w / rng.uniform(3, 20)))), np.float32)
    grain = cv2.resize(grain, (w, h), interpolation=cv2.INTER_CUBIC)
    cover = np.clip((grain - rng.uniform(0.55, 0.9)) * rng.uniform(1.5, 6), 0, rng.uniform(0.2, 0.6))[:, :, None]
    colour = (
        rng.uniform(30, 200, 3).astype(np.float32)
        if rng.random() < 0.4
        else np.float32(rng.uniform(40, 180)) * np.array([1.0, 0.93, 0.84], np.float32)
    )
    return picture + (colour - picture) * cover


def light(picture, rng):
    """Gain, contrast, gamma, colour cast, and one of: a gradient, a shadow's edge, a glare spot."""
    h, w = picture.shape[:2]
    roll = rng.random()
    if roll < 0.25:
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.7)
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        ramp = (x / w - 0.5) * np.cos(angle) + (y / h - 0.5) * np.sin(angle)
        picture = picture * (1 + depth * ramp)[:, :, None]
    elif roll < 0.45:
        line = np.array(
            [[rng.uniform(-0.2, 1.2) * w, -2], [rng.uniform(-0.2, 1.2) * w, h + 2], [w + 2, h + 2], [w + 2, -2]]
            if rng.random() < 0.6
            else [[-2, rng.uniform(0, 1) * h], [w + 2, rng.uniform(0, 1) * h], [w + 2, -2], [-2, -2]]
        )
        mask = np.zeros((h, w), np.float32)
        cv2.fillPoly(mask, [line.astype(np.int32)], 1.0)
        soft = int(rng.integers(1, 9)) * 2 + 1
        mask = cv2.GaussianBlur(mask, (soft, soft), 0)
        picture = picture * (1 - rng.uniform(0.25, 0.7) * mask)[:, :, None]
    elif roll < 0.53:
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        spot = np.exp(
            -(
                ((x - rng.uniform(0, w)) / (rng.uniform(0.1, 0.5) * w)) ** 2
                + ((y - rng.uniform(0, h)) / (rng.uniform(0.3, 1.0) * h)) ** 2
            )
        )
        picture = picture + (rng.uniform(40, 150) * spot)[:, :, None]
    if rng.random() < 0.7:
        picture = picture * rng.uniform(0.88, 1.12, 3).astype(np.float32)
    mean = picture.mean()
    contrast = rng.uniform(0.5, 1.15) if rng.random() < 0.8 else rng.uniform(0.25, 0.5)
    picture = (picture - mean) * contrast + mean * rng.uniform(0.55, 1.2) + rng.uniform(-12, 18)
    if rng.random() < 0.3:
        picture = 255 * np.clip(picture / 255, 0, 1) ** rng.uniform(0.6, 1.7)
    return picture


def night(picture, rng):
    """Dark and grainy, or infra-red: grey, hard contrast, sometimes with the reflecting ground burnt out."""
    grey = picture @ np.array([0.4, 0.45, 0.15], np.float32)
    if rng.random() < 0.6:
        low, high = np.percentile(grey, 3), np.percentile(grey, 97) + 1
        grey = (grey - low) / (high - low)
        grey = np.clip(grey * rng.uniform(0.9, 1.6) - rng.uniform(0.0, 0.15), 0, 1) * rng.uniform(120, 255)
        return np.repeat(grey[:, :, None], 3, 2) + np.float32(rng.uniform(0, 20))
    picture = picture * rng.uniform(0.15, 0.45) + rng.uniform(0, 14)
    return picture * np.array([rng.uniform(0.9, 1.3), 1.0, rng.uniform(0.6, 1.1)], np.float32)


def motion_kernel(length, angle):
    """A line of the given length in pixels, normalised."""
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size * 8, size * 8), np.float32)
    centre, half = size * 4, length * 4
    a = (int(centre - np.cos(angle) * half), int(centre - np.sin(angle) * half))
    b = (int(centre + np.cos(angle) * half), int(centre + np.sin(angle) * half))
    cv2.line(kernel, a, b, 1.0, 8)
    kernel = cv2.resize(kernel, (size, size), interpolation=cv2.INTER_AREA)
    return kernel / kernel.sum()


def blur(picture, tall, rng):
    """Defocus or motion blur, in proportion to the character height `tall` in pixels."""
    roll = rng.random()
    if roll < 0.45:
        sigma = tall * rng.uniform(0.01, 0.075)
        picture = cv2.GaussianBlur(picture, (0, 0), max(0.2, sigma))
    elif roll < 0.62:
        length = max(1.2, tall * rng.uniform(0.05, 0.28))
        angle = rng.normal(0, 0.3) + (np.pi / 2 if rng.random() < 0.3 else 0)
        picture = cv2.filter2D(picture, -1, motion_kernel(length, angle), borderType=cv2.BORDER_REPLICATE)
    if rng.random() < 0.25:
        sharp = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 2.0))
        picture = picture + (picture - sharp) * rng.uniform(0.4, 1.8)
    return picture


def sensor(picture, rng):
    """Noise per pixel, grey or coloured, sometimes with 2-pixel grain as left by a camera's own filtering."""
    h, w = picture.shape[:2]
    level = rng.uniform(0.5, 5) if rng.random() < 0.75 else rng.uniform(5, 18)
    colours = 3 if rng.random() < 0.5 else 1
    noise = rng.standard_normal((h, w, colours), np.float32) * np.float32(level)
    if rng.random() < 0.4:
        noise = cv2.blur(noise, (2, 2)).reshape(h, w, colours) * 1.7
    return picture + noise


def compress(picture, rng):
    """JPEG at quality 30 to 95, at a random place in the 8 by 8 grid."""
    low = np.clip(picture, 0, 255).astype(np.uint8)
    top, left = int(rng.integers(0, 8)), int(rng.integers(0, 8))
    low = cv2.copyMakeBorder(low, top, 8, left, 8, cv2.BORDER_REPLICATE)
    _, data = cv2.imencode(".jpg", low, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
    h, w = picture.shape[:2]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[top : top + h, left : left + w].astype(np.float32)
