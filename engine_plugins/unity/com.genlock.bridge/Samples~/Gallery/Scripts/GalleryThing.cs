using UnityEngine;

namespace Genlock.Gallery
{
    /// <summary>A thing on a shelf that can be taken, painted, turned and hidden.</summary>
    [RequireComponent(typeof(GenlockTarget))]
    public sealed class GalleryThing : MonoBehaviour
    {
        private const float Glow = 0.25f;

        [SerializeField] private Color start = Color.white;

        private GenlockTarget _target;
        private Renderer _renderer;
        private Transform _shelf;
        private Vector3 _place;
        private Quaternion _turned;
        private Color _colour;

        /// <summary>The colour that it begins with.</summary>
        public Color StartColour
        {
            get { return start; }
            set { start = value; }
        }

        /// <summary>Its id on the wire.</summary>
        public string Id
        {
            get { return _target.Id; }
        }

        /// <summary>Into the hand.</summary>
        public void Take(Transform hand)
        {
            transform.SetParent(hand, true);
            transform.position = hand.position + hand.forward * 0.5f;
        }

        /// <summary>Back to where it was.</summary>
        public void PutBack()
        {
            transform.SetParent(_shelf, true);
            transform.SetPositionAndRotation(_place, _turned);
        }

        /// <summary>Another colour.</summary>
        public void Paint(Color colour)
        {
            _colour = colour;
            Show(false);
        }

        /// <summary>Turned about the vertical.</summary>
        public void Turn(float degrees)
        {
            transform.Rotate(new Vector3(0f, degrees, 0f));
        }

        private void Awake()
        {
            _target = GetComponent<GenlockTarget>();
            _renderer = GetComponent<Renderer>();
            _shelf = transform.parent;
            _place = transform.position;
            _turned = transform.rotation;
            Paint(start);
            // What is looked at or pointed at glows: the daemon says what that is, frame by frame.
            _target.OnEnter.AddListener(() => Show(true));
            _target.OnLeave.AddListener(() => Show(false));
        }

        private void Show(bool glows)
        {
            _renderer.material.color = glows
                ? new Color(_colour.r + Glow, _colour.g + Glow, _colour.b + Glow)
                : _colour;
        }
    }
}
